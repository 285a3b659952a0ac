import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { freePort } from '../../src/main/database/embedded/free-port.ts';
import { atExit } from './at-exit.ts';
import { MONITORING } from './monitoring-files.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { waitFor } from './wait-for.ts';

/** The programs, or undefined where Prometheus is not installed. Debian's package `prometheus` has both. */
export const prometheusPrograms = programs();

function programs(): { prometheus: string; promtool: string } | undefined {
  const [prometheus, promtool] = ['prometheus', 'promtool'].map((name) =>
    (process.env.PATH ?? '')
      .split(':')
      .map((folder) => join(folder, name))
      .find((file) => existsSync(file)),
  );
  return prometheus === undefined || promtool === undefined ? undefined : { prometheus, promtool };
}

/** Runs promtool. @throws Error with what it says when it is not content */
export function promtool(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(prometheusPrograms?.promtool ?? 'promtool', args, {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`promtool ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** A value of a query. */
export interface Answered {
  metric: Record<string, string>;
  value: [at: number, value: string];
}

export interface Prometheus {
  query(expression: string): Promise<Answered[]>;
  /** The rules that it has loaded. */
  rules(): Promise<{ name: string; health: string; lastError?: string }[]>;
  stop(): Promise<void>;
}

/** A Prometheus with the configuration of docs/monitoring/, but for the addresses, and with a scrape each second. */
export async function startPrometheus(targets: Record<string, string>): Promise<Prometheus> {
  if (prometheusPrograms === undefined) throw new Error('prometheus is not installed');
  const directory = await temporaryDirectory();
  const file = join(directory, 'prometheus.yml');
  await writeFile(file, await configurationFor(targets));
  const port = await freePort();
  const args = [
    `--config.file=${file}`,
    `--storage.tsdb.path=${directory}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=error',
  ];
  const child = spawn(prometheusPrograms.prometheus, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = once(child, 'exit');
  atExit(() => child.kill('SIGKILL'));
  const ask = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    const body = (await answer.json()) as { data: T; error?: string };
    if (!answer.ok) throw new Error(`${path}: ${body.error}`);
    return body.data;
  };
  await waitFor(
    'prometheus to be ready',
    async () => {
      if (child.exitCode !== null) throw new Error(`prometheus exited with ${child.exitCode}`);
      return fetch(`http://127.0.0.1:${port}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    },
    30_000,
  );
  return {
    query: async (expression) =>
      (await ask<{ result: Answered[] }>(`query?query=${encodeURIComponent(expression)}`)).result,
    rules: async () =>
      (await ask<{ groups: { rules: never[] }[] }>('rules')).groups.flatMap(({ rules }) => rules),
    async stop() {
      child.kill('SIGKILL');
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

interface Configuration {
  global: Record<string, string>;
  rule_files: string[];
  scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
}

async function configurationFor(targets: Record<string, string>): Promise<string> {
  const configuration = parse(await readFile(`${MONITORING}prometheus.yml`, 'utf8')) as Configuration;
  for (const key of Object.keys(configuration.global)) configuration.global[key] = '1s';
  configuration.rule_files = configuration.rule_files.map((file) => MONITORING + file);
  for (const job of configuration.scrape_configs) {
    const url = targets[job.job_name];
    if (url === undefined) throw new Error(`the test has no ${job.job_name}`);
    job.static_configs = [{ targets: [new URL(url).host] }];
  }
  return stringify(configuration);
}
