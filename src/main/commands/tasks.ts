import type { Config } from '../config.ts';
import type { Status } from '../engine/task.ts';
import { answerOf, apiClient } from './api-client.ts';
import { readArguments, runCommand } from './command.ts';
import { tableOf } from './task-table.ts';

const HELP = `heddle tasks - lists the newest tasks

  --status S      only tasks in this state: created, queued, running, completed, failed or cancelled (repeatable)
  --type T        only tasks of this type
  --limit N       at most so many (default 50)
  --json          the API's answer as it is
  --url URL       the API's address (default http://HOST:PORT of the configuration)
  --token TOKEN   the API token (default: the first of API_TOKENS that may submit, unless --url is given)`;

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  status: { type: 'string', multiple: true },
  type: { type: 'string' },
  limit: { type: 'string' },
  json: { type: 'boolean' },
  url: { type: 'string' },
  token: { type: 'string' },
} as const;

/** `heddle tasks …`: prints a table, or JSON, on standard output. @returns the exit code */
export async function tasksCommand(argv: string[], config: Config): Promise<number> {
  return runCommand('tasks', async () => {
    const { values } = readArguments(argv, OPTIONS, 0);
    if (values.help) {
      console.log(HELP);
      return 0;
    }
    const { status, type, limit } = values;
    // The API knows which states there are, and how many tasks it lists.
    const filter = {
      ...(status !== undefined && { status: status as Status[] }),
      ...(type !== undefined && { type }),
      ...(limit !== undefined && { limit: Number(limit) }),
    };
    const answer = await answerOf(apiClient(config, values).taskPage(filter));
    console.log(values.json ? JSON.stringify(answer, null, 2) : tableOf(answer.items, answer.total));
    return 0;
  });
}
