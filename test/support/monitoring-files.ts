import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { packageRoot } from '../../src/main/package-root.ts';

/** Where the files are that operators load. */
export const MONITORING = `${packageRoot}docs/monitoring/`;

export interface Alert {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook: string };
}

export interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { uid: string };
  targets?: { refId: string; expr: string; datasource: { uid: string } }[];
}

export interface Variable {
  name: string;
  type: string;
  datasource?: { uid: string };
  query: string | { query: string };
}

export interface Dashboard {
  uid: string;
  schemaVersion: number;
  templating: { list: Variable[] };
  panels: Panel[];
}

export function readAlerts(): Alert[] {
  const { groups } = parse(readFileSync(`${MONITORING}alerts.yml`, 'utf8')) as {
    groups: { rules: Alert[] }[];
  };
  return groups.flatMap(({ rules }) => rules);
}

export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(`${MONITORING}dashboard.json`, 'utf8')) as Dashboard;
}

/** The queries of a panel as Grafana sends them to Prometheus, when all jobs and types are chosen. */
export function queriesOf({ targets = [] }: Panel): string[] {
  return targets.map(({ expr }) =>
    expr.replaceAll('$__rate_interval', '1m').replaceAll('$job', '.*').replaceAll('$type', '.*'),
  );
}
