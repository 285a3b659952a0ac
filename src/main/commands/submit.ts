import { readFileSync } from 'node:fs';
import type { Config } from '../config.ts';
import { isFinished, type Status } from '../engine/task.ts';
import { answerOf, apiClient } from './api-client.ts';
import { CommandError, readArguments, runCommand, UsageError } from './command.ts';
import { submitIntoDatabase } from './submit-into-database.ts';

const HELP = `heddle submit TYPE - submits a task and prints it as JSON

  --params JSON     the task's params; @FILE reads them from a file (default {})
  --wait SECONDS    wait for the task to end; exit 1 when it failed or was cancelled
  --database        straight into the database (DATABASE_URL), without the API
  --url URL         the API's address (default http://HOST:PORT of the configuration)
  --token TOKEN     the API token (default: the first of API_TOKENS that may submit, unless --url is given)`;

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  params: { type: 'string' },
  wait: { type: 'string' },
  database: { type: 'boolean' },
  url: { type: 'string' },
  token: { type: 'string' },
} as const;

/** `heddle submit …`: prints the task on standard output. @returns the exit code */
export async function submitCommand(argv: string[], config: Config): Promise<number> {
  return runCommand('submit', async () => {
    const { values, words } = readArguments(argv, OPTIONS, 1);
    if (values.help) {
      console.log(HELP);
      return 0;
    }
    const [type] = words;
    if (type === undefined) throw new UsageError('which task type?');
    const params = readParams(values.params);
    const waitSeconds = readSeconds(values.wait);
    const task = values.database
      ? await submitIntoDatabase(config, { type, params, waitSeconds })
      : await answerOf(apiClient(config, values).submit(type, params, { waitSeconds }));
    console.log(JSON.stringify(task, null, 2));
    return values.wait === undefined ? 0 : exitCodeOf(task);
  });
}

function readParams(given = '{}'): Record<string, unknown> {
  const params = parseJson(given.startsWith('@') ? readFile(given.slice(1)) : given);
  if (isObject(params)) return params;
  throw new UsageError('--params must be a JSON object');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--params is not JSON: ${(error as Error).message}`);
  }
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandError(`--params: ${(error as Error).message}`);
  }
}

function readSeconds(given = '0'): number {
  if (!/^\d{1,7}(\.\d+)?$/.test(given))
    throw new UsageError(`--wait ${given}: it must be a number of seconds`);
  return Number(given);
}

function exitCodeOf(task: { status: Status }): number {
  if (!isFinished(task.status)) console.error(`heddle submit: the task is still ${task.status}`);
  return task.status === 'failed' || task.status === 'cancelled' ? 1 : 0;
}
