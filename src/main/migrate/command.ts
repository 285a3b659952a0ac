import type { HeddleEvent } from '../observe/events.ts';
import { acceptEdits } from './accept.ts';
import { migrateUp, previewUp } from './apply.ts';
import { type Command, HELP, readArguments } from './arguments.ts';
import { recordBaseline } from './baseline.ts';
import { EXIT, MigrationError } from './error.ts';
import { runCheck, runGenerate } from './generate/command.ts';
import type { WithDatabase } from './generate/options.ts';
import { repairHalfRun } from './repair.ts';
import { migrateDown, previewDown } from './rollback.ts';
import type { Script } from './script.ts';
import { migrationStatus, statusAsJson } from './status.ts';
import { statusAsTable } from './status-table.ts';

/**
 * `heddle migrate …`: results go to standard output, one line for each error to standard error.
 * @param argv what comes behind `migrate`
 * @param withDatabase finds the database and passes on its address, of a direct connection and not of a transaction
 *   pooler. It is called when the arguments are right.
 * @returns the exit code
 */
export async function runMigrateCommand(
  argv: readonly string[],
  withDatabase: WithDatabase,
): Promise<number> {
  try {
    const command = readArguments(argv);
    if (command.action === 'help') return print(HELP);
    if (command.action === 'generate') return await runGenerate(command, withDatabase);
    if (command.action === 'check') return await runCheck(command, withDatabase);
    return await withDatabase((url) => run(command, url));
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    for (const fault of error.faults) complain(fault);
    return error.exitCode;
  }
}

type Wanted<A extends Command['action']> = Extract<Command, { action: A }>;

function run(
  command: Wanted<'up' | 'rollback' | 'status' | 'repair' | 'baseline'>,
  url: string,
): Promise<number> {
  switch (command.action) {
    case 'up':
      return up(command, url);
    case 'rollback':
      return rollback(command, url);
    case 'status':
      return status(command, url);
    case 'repair':
      return repair(command, url);
    case 'baseline':
      return baseline(command, url);
  }
}

async function up({ dryRun, ...options }: Wanted<'up'>, url: string): Promise<number> {
  const wishes = { ...options, url, observe, newer: 'refuse' } as const;
  if (dryRun) return printScripts((await previewUp(wishes)).map((migration) => migration.up));
  const { applied } = await migrateUp(wishes);
  return applied.length === 0 ? print('nothing to do') : EXIT.done;
}

async function rollback({ dryRun, ...options }: Wanted<'rollback'>, url: string): Promise<number> {
  const wishes = { ...options, url, observe };
  if (dryRun) return printScripts((await previewDown(wishes)).map((step) => step.down));
  const { rolledBack } = await migrateDown(wishes);
  if (rolledBack.length === 0) return print('nothing to do');
  if (rolledBack.length < options.count) return print(`no more than ${rolledBack.length} were applied`);
  return EXIT.done;
}

async function status({ json, exitCode, ...options }: Wanted<'status'>, url: string): Promise<number> {
  const items = await migrationStatus({ ...options, url, observe });
  print(json ? statusAsJson(items) : statusAsTable(items));
  return exitCode && items.some(({ state }) => state === 'pending') ? EXIT.pending : EXIT.done;
}

async function repair({ ids, as, ...options }: Wanted<'repair'>, url: string): Promise<number> {
  const wishes = { ...options, url, observe };
  const changes =
    as === 'accepted'
      ? await acceptEdits({ ...wishes, ids })
      : await repairHalfRun({ ...wishes, id: ids[0] ?? '', as });
  return printChanges(changes, options.dryRun);
}

async function baseline(options: Wanted<'baseline'>, url: string): Promise<number> {
  const changes = await recordBaseline({ ...options, url, observe });
  if (changes.length === 0) return print('nothing to do');
  printChanges(changes, options.dryRun);
  return print('Their tables are there. Columns, indexes, functions and data were not checked.');
}

function printChanges(changes: readonly string[], dryRun: boolean): number {
  return print(changes.map((change) => (dryRun ? `would record: ${change}` : change)).join('\n'));
}

function printScripts(scripts: readonly Script[]): number {
  if (scripts.length === 0) return print('-- nothing to do');
  return print(scripts.map(({ file, sql }) => `-- ${file}\n${sql}\n`).join('\n'));
}

function observe(event: HeddleEvent): void {
  if (event.event === 'migration_applied') print(`applied ${event.id} (${Math.round(event.duration_ms)} ms)`);
  else if (event.event === 'migration_rolled_back')
    print(`rolled back ${event.id} (${Math.round(event.duration_ms)} ms)`);
  else if (event.event === 'migration_retried') complain(`trying ${event.id} again: ${event.reason}`);
  else if (event.event === 'migration_not_parsed')
    complain(`${event.file} is too large to be parsed: it is sent whole`);
  else if (event.event === 'migration_waiting') complain(`waiting: ${event.reason}`);
}

function print(text: string): typeof EXIT.done {
  process.stdout.write(`${text}\n`);
  return EXIT.done;
}

function complain(line: string): void {
  process.stderr.write(`${line.replace(/\s*\n\s*/g, ' ')}\n`);
}
