#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { type Config, ConfigError, readConfig } from './config.ts';
import { version } from './package-root.ts';

/** What a command does, and how it is described. Modules are loaded when they are needed: `--help` answers at once. */
interface Command {
  usage: string;
  summary: string;
  help?: string;
  run(argv: string[], config: Config): Promise<number>;
}

const COMMANDS: Record<string, Command> = {
  start: {
    usage: 'start',
    summary: 'API and runner together, with an embedded PostgreSQL when no database is configured',
    run: async (_, config) => (await import('./commands/serve.ts')).startCommand(config),
  },
  api: {
    usage: 'api',
    summary: 'the HTTP API alone; a database must be configured',
    run: async (_, config) => (await import('./commands/serve.ts')).apiCommand(config),
  },
  runner: {
    usage: 'runner',
    summary: 'a runner alone; migrates the database at its start, which must be configured',
    run: async (_, config) => (await import('./commands/serve.ts')).runnerCommand(config),
  },
  migrate: {
    usage: 'migrate --up | --rollback [-n N] | --status | …',
    summary: 'changes the schema, forwards and back (heddle migrate --help)',
    run: async (argv, config) => (await import('./commands/migrate.ts')).migrateCommand(argv, config),
  },
  submit: {
    usage: 'submit TYPE [--params JSON or @file] [--wait SECONDS] [--database]',
    summary: 'submits a task and prints it as JSON (heddle submit --help)',
    run: async (argv, config) => (await import('./commands/submit.ts')).submitCommand(argv, config),
  },
  tasks: {
    usage: 'tasks [--status S] [--type T] [--json]',
    summary: 'lists tasks, the newest first (heddle tasks --help)',
    run: async (argv, config) => (await import('./commands/tasks.ts')).tasksCommand(argv, config),
  },
  periodic: {
    usage: 'periodic [run|pause|resume NAME] [--json]',
    summary: 'lists periodic tasks, or runs, pauses or resumes one (heddle periodic --help)',
    run: async (argv, config) => (await import('./commands/periodic.ts')).periodicCommand(argv, config),
  },
  check: {
    usage: 'check',
    summary: 'loads the configuration and every task file, and reports each fault',
    run: async (_, config) => (await import('./commands/check.ts')).checkCommand(config),
  },
  doctor: {
    usage: 'doctor',
    summary: 'looks at the database, the runner, the clock and the document tools, a line each',
    run: async (_, config) => (await import('./commands/doctor.ts')).doctorCommand(config),
  },
};

/** Commands that read their own arguments, and have a help of their own. */
const READS_ARGUMENTS = new Set(['migrate', 'submit', 'tasks', 'periodic']);

/** Commands for which HOST matters, `check` included, which judges the configuration for them. In the images it is 0.0.0.0. */
const LISTENS = new Set(['start', 'api', 'runner', 'check']);

// A connection to a server that is silent would keep the process alive for a quarter of an hour.
process.exit(await main(process.argv.slice(2)));

async function main([name, ...argv]: string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    console.log(help());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === '-v') {
    console.log(version);
    return 0;
  }
  const command = COMMANDS[name];
  if (command === undefined) return complain(`there is no command '${name}'; heddle --help lists them`, 2);
  try {
    if (!READS_ARGUMENTS.has(name)) {
      const { values } = parseArgs({ args: argv, options: { help: { type: 'boolean', short: 'h' } } });
      if (values.help) {
        console.log(`heddle ${command.usage}\n\n${command.summary}`);
        return 0;
      }
    }
    // Who asks for help may be about to learn what is wrong with the configuration.
    const env = argv.some((word) => word === '--help' || word === '-h') ? {} : undefined;
    return await command.run(argv, readConfig(env, { listens: LISTENS.has(name) }));
  } catch (error) {
    return explain(error as Error & { code?: string; exitCode?: number });
  }
}

/** One clear line, or a line a fault; the stack only for who debugs Heddle itself. */
function explain(error: Error & { code?: string; exitCode?: number }): number {
  if (process.env.LOG_LEVEL?.toLowerCase() === 'debug') console.error(error);
  if (error.code?.startsWith('ERR_PARSE_ARGS')) return complain(error.message, 2);
  return complain(error.message || String(error), error instanceof ConfigError ? 2 : (error.exitCode ?? 1));
}

function complain(message: string, exitCode: number): number {
  console.error(`heddle: ${message}`);
  return exitCode;
}

function help(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `heddle ${version}: background tasks on PostgreSQL, every attempt in a thread of its own

Usage: heddle COMMAND [options]

${lines.join('\n')}

heddle COMMAND --help explains a command. The configuration is the environment (and .env): see the README.`;
}
