import type { Client } from '../../client/index.ts';
import type { Config } from '../config.ts';
import { answerOf, apiClient } from './api-client.ts';
import { readArguments, runCommand, UsageError } from './command.ts';
import { periodicTableOf } from './periodic-table.ts';

const HELP = `heddle periodic - lists the periodic tasks
heddle periodic run NAME - runs one now, besides its schedule and also when it is paused
heddle periodic pause NAME - lets it run no more by itself, over restarts too
heddle periodic resume NAME - takes up its schedule again; nothing of the pause is made up for

  --json          the API's answer as it is
  --url URL       the API's address (default http://HOST:PORT of the configuration)
  --token TOKEN   the API token (default: the first of API_TOKENS that may submit, unless --url is given)`;

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  json: { type: 'boolean' },
  url: { type: 'string' },
  token: { type: 'string' },
} as const;

/** What can be done to one, by its word. */
const CHANGES: Record<string, (api: Client, name: string) => ReturnType<Client['runPeriodic']>> = {
  run: (api, name) => api.runPeriodic(name),
  pause: (api, name) => api.pausePeriodic(name),
  resume: (api, name) => api.resumePeriodic(name),
};

/** `heddle periodic …`: prints all periodic tasks, or the one that was changed, on standard output. @returns the exit code */
export async function periodicCommand(argv: string[], config: Config): Promise<number> {
  return runCommand('periodic', async () => {
    const { values, words } = readArguments(argv, OPTIONS, 2);
    if (values.help) {
      console.log(HELP);
      return 0;
    }
    const [verb, name] = words;
    const api = apiClient(config, values);
    if (verb === undefined) {
      const items = await answerOf(api.periodicTasks());
      console.log(values.json ? JSON.stringify({ items }, null, 2) : periodicTableOf(items));
    } else {
      const task = await answerOf(changeOf(verb, name)(api));
      console.log(values.json ? JSON.stringify(task, null, 2) : periodicTableOf([task]));
    }
    return 0;
  });
}

function changeOf(verb: string, name: string | undefined) {
  const change = Object.hasOwn(CHANGES, verb) ? CHANGES[verb] : undefined;
  if (change === undefined)
    throw new UsageError(`'${verb}' cannot be done; ${Object.keys(CHANGES).join(', ')} can`);
  if (name === undefined) throw new UsageError(`${verb} which periodic task?`);
  return (api: Client) => change(api, name);
}
