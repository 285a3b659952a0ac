import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What the runners' logs tell. */
export interface LogFindings {
  /** How often each event was told. */
  events: Record<string, number>;
  /** Each settle that came too late. */
  stale: StaleSettle[];
  /** What no runner should ever write, each kind of it once a file. */
  alarms: Alarm[];
}

export interface StaleSettle {
  task_id: string;
  claim_token: number;
}

export interface Alarm {
  file: string;
  text: string;
  count: number;
}

/** Reads the logs of all runner processes: `*.out` are lines of JSON, `*.err` should be empty. */
export async function readLogs(folder: string): Promise<LogFindings> {
  const [events, stale]: Told = [{}, []];
  const alarms: Alarm[] = [];
  for (const file of (await readdir(folder)).sort()) {
    const content = await readFile(join(folder, file), 'utf8');
    const texts = file.endsWith('.out')
      ? readLines(content, [events, stale])
      : content === ''
        ? []
        : [content.trim()];
    for (const text of new Set(texts))
      alarms.push({ file, text, count: texts.filter((other) => other === text).length });
  }
  return { events, stale, alarms };
}

type Told = [events: Record<string, number>, stale: StaleSettle[]];

/** Counts the events of a log, and takes note of its stale settles. @returns the texts of the lines that are alarming */
export function readLines(content: string, [events, stale]: Told): string[] {
  const lines = content.split('\n');
  // A killed process may have been in the midst of a line; of one that ended otherwise it is empty.
  const unfinished = lines.pop() ?? '';
  return [...lines.map((line) => parse(line) ?? line), parse(unfinished) ?? {}].flatMap((line) => {
    if (typeof line === 'string') return [line];
    if (line.event !== undefined) events[line.event] = (events[line.event] ?? 0) + 1;
    if (line.event === 'stale_settle')
      stale.push({ task_id: line.task_id ?? '', claim_token: Number(line.claim_token) });
    return isAlarming(line) ? [line.msg ?? ''] : [];
  });
}

interface LogLine {
  level?: number;
  event?: string;
  msg?: string;
  task_id?: string;
  claim_token?: string;
}

function parse(line: string): LogLine | null {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return null;
  }
}

const FATAL = 60;

function isAlarming({ level = 0, msg = '' }: LogLine): boolean {
  return level >= FATAL || /uncaught|unhandled/i.test(msg);
}
