import type { Observe } from '../observe/events.ts';
import { acceptEdits } from './accept.ts';
import { migrateUp, previewUp } from './apply.ts';
import { type Command, HELP, readArguments } from './arguments.ts';
import { recordBaseline } from './baseline.ts';
import { EXIT, MigrationError } from './error.ts';
import type { WithDatabase } from './generate/options.ts';
import { type Output, standardOutput } from './output.ts';
import { repairHalfRun } from './repair.ts';
import { migrateDown, previewDown } from './rollback.ts';
import type { Script } from './script.ts';
import { migrationStatus, statusAsJson } from './status.ts';
import { statusAsTable } from './status-table.ts';
import { orStopped, untilStopped } from './until-stopped.ts';

/**
 * `heddle migrate …`: results go to standard output, one line for each error to standard error.
 * @param argv what comes behind `migrate`
 * @param withDatabase finds the database and passes on its address, of a direct connection and not of a transaction
 *   pooler. It is called when the arguments are right.
 * @param output default: standard output and standard error
 * @returns the exit code
 */
export async function runMigrateCommand(
  argv: readonly string[],
  withDatabase: WithDatabase,
  output: Output = standardOutput,
): Promise<number> {
  try {
    return await perform(readArguments(argv), withDatabase, output);
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    for (const fault of error.faults) output.complain(oneLine(fault));
    return error.exitCode;
  }
}

async function perform(command: Command, withDatabase: WithDatabase, output: Output): Promise<number> {
  if (command.action === 'help') {
    output.print(HELP);
    return EXIT.done;
  }
  if (command.action !== 'generate' && command.action !== 'check')
    return untilStopped(': heddle migrate --status says what is applied', (stop) =>
      withDatabase((url) => orStopped(stop, () => run(command, { url, output, observe: observer(output) }))),
    );
  // Loaded only here: whoever applies migrations does without what makes them.
  const { runCheck, runGenerate } = await import('./generate/command.ts');
  return command.action === 'generate'
    ? runGenerate(command, withDatabase, output)
    : runCheck(command, withDatabase, output);
}

type Wanted<A extends Command['action']> = Extract<Command, { action: A }>;

interface Session {
  url: string;
  output: Output;
  observe: Observe;
}

async function run(
  command: Wanted<'up' | 'rollback' | 'status' | 'repair' | 'baseline'>,
  session: Session,
): Promise<number> {
  switch (command.action) {
    case 'status':
      return status(command, session);
    case 'up':
      await up(command, session);
      break;
    case 'rollback':
      await rollback(command, session);
      break;
    case 'repair':
      await repair(command, session);
      break;
    case 'baseline':
      await baseline(command, session);
      break;
  }
  return EXIT.done;
}

async function up({ dryRun, ...options }: Wanted<'up'>, { output, ...session }: Session): Promise<void> {
  const wishes = { ...options, ...session, newer: 'refuse' } as const;
  if (dryRun) {
    const migrations = await previewUp(wishes);
    return output.print(asSql(migrations.map((migration) => migration.up)));
  }
  const { applied } = await migrateUp(wishes);
  if (applied.length === 0) output.print('nothing to do');
}

async function rollback(
  { dryRun, ...options }: Wanted<'rollback'>,
  { output, ...session }: Session,
): Promise<void> {
  const wishes = { ...options, ...session };
  if (dryRun) return output.print(asSql((await previewDown(wishes)).map((step) => step.down)));
  const { rolledBack } = await migrateDown(wishes);
  if (rolledBack.length === 0) output.print('nothing to do');
  else if (rolledBack.length < options.count) output.print(`no more than ${rolledBack.length} were applied`);
}

async function status(
  { json, exitCode, ...options }: Wanted<'status'>,
  { output, ...session }: Session,
): Promise<number> {
  const items = await migrationStatus({ ...options, ...session });
  output.print(json ? statusAsJson(items) : statusAsTable(items));
  return exitCode && items.some(({ state }) => state === 'pending') ? EXIT.pending : EXIT.done;
}

async function repair(
  { ids, as, ...options }: Wanted<'repair'>,
  { output, ...session }: Session,
): Promise<void> {
  const wishes = { ...options, ...session };
  const changes =
    as === 'accepted'
      ? await acceptEdits({ ...wishes, ids })
      : await repairHalfRun({ ...wishes, id: ids[0] ?? '', as });
  output.print(asChanges(changes, options.dryRun));
}

async function baseline(options: Wanted<'baseline'>, { output, ...session }: Session): Promise<void> {
  const changes = await recordBaseline({ ...options, ...session });
  if (changes.length === 0) return output.print('nothing to do');
  output.print(asChanges(changes, options.dryRun));
  output.print('Their tables are there. Columns, indexes, functions and data were not checked.');
}

function asChanges(changes: readonly string[], dryRun: boolean): string {
  return changes.map((change) => (dryRun ? `would record: ${change}` : change)).join('\n');
}

function asSql(scripts: readonly Script[]): string {
  if (scripts.length === 0) return '-- nothing to do';
  return scripts.map(({ file, sql }) => `-- ${file}\n${sql}\n`).join('\n');
}

function observer({ print, complain }: Output): Observe {
  return (event) => {
    if (event.event === 'migration_applied')
      print(`applied ${event.id} (${Math.round(event.duration_ms)} ms)`);
    else if (event.event === 'migration_rolled_back')
      print(`rolled back ${event.id} (${Math.round(event.duration_ms)} ms)`);
    else if (event.event === 'migration_retried')
      complain(oneLine(`trying ${event.id} again: ${event.reason}`));
    else if (event.event === 'migration_not_parsed')
      complain(`${event.file} is too large to be parsed: it is sent whole`);
    else if (event.event === 'migration_waiting') complain(oneLine(`waiting: ${event.reason}`));
  };
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}
