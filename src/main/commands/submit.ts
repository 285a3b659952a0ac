import { readFileSync } from 'node:fs';
import type { Config } from '../config.ts';
import type { VisibleTask } from '../database/tasks.ts';
import { isFinished } from '../engine/task.ts';
import { apiClient, type CallApi } from './api-client.ts';
import { CommandError, readArguments, runCommand, UsageError } from './command.ts';
import { submitIntoDatabase, type Wish } from './submit-into-database.ts';

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
    const wish = { type, params: readParams(values.params), waitSeconds: readSeconds(values.wait) };
    const task = values.database
      ? await submitIntoDatabase(config, wish)
      : await submitOverHttp(apiClient(config, values), wish);
    console.log(JSON.stringify(task, null, 2));
    return values.wait === undefined ? 0 : exitCodeOf(task);
  });
}

function readParams(given = '{}'): object {
  const params = parseJson(given.startsWith('@') ? readFile(given.slice(1)) : given);
  if (typeof params === 'object' && params !== null && !Array.isArray(params)) return params;
  throw new UsageError('--params must be a JSON object');
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

/** The API waits for a minute at most: a longer wait asks again. */
async function submitOverHttp(call: CallApi, { type, params, waitSeconds }: Wish): Promise<VisibleTask> {
  const until = performance.now() + waitSeconds * 1000;
  const wait = () => {
    const seconds = Math.ceil((until - performance.now()) / 1000);
    return seconds > 0 ? { headers: { prefer: `wait=${Math.min(seconds, 60)}` } } : undefined;
  };
  let task = await call<VisibleTask>('POST', '/tasks', { body: { type, params }, ...wait() });
  for (let more = wait(); more !== undefined && !isFinished(task.status); more = wait()) {
    task = await call<VisibleTask>('GET', `/tasks/${task.id}`, more);
  }
  return task;
}

function exitCodeOf(task: Pick<VisibleTask, 'status'>): number {
  if (!isFinished(task.status)) console.error(`heddle submit: the task is still ${task.status}`);
  return task.status === 'failed' || task.status === 'cancelled' ? 1 : 0;
}
