import { parseArgs } from 'node:util';
import { EXIT, MigrationError } from './error.ts';
import { isName } from './names.ts';
import { brief } from './script.ts';

/** What was asked for on the command line. */
export type Command =
  | { action: 'help' }
  | ({ action: 'up'; dryRun: boolean; to: string | undefined; allowOutOfOrder: boolean } & Common)
  | ({ action: 'rollback'; dryRun: boolean; count: number } & Common)
  | ({ action: 'status'; json: boolean; exitCode: boolean } & Common)
  | ({ action: 'repair'; dryRun: boolean; ids: string[]; as: 'applied' | 'pending' | 'accepted' } & Common)
  | ({ action: 'baseline'; dryRun: boolean; id: string } & Common)
  | ({ action: 'generate'; name: string; empty: boolean; hints: string | undefined } & Common)
  | ({ action: 'check' } & Common);

interface Common {
  lockTimeoutSeconds: number;
  waitSeconds: number;
  directory?: string;
}

export const HELP = `heddle migrate - changes the schema of the database, forwards and back

  heddle migrate --up [--dry-run] [--to ID] [--allow-out-of-order]
      Applies what is pending, in chronological order, each file in its own transaction.
  heddle migrate --rollback [-n N] [--dry-run]
      Undoes the N migrations that were applied last, the newest first (default 1).
  heddle migrate --status [--json] [--exit-code]
      Says which are applied, pending, modified, missing, failed or running.
      --exit-code: exits with 10 when anything is pending.
  heddle migrate --repair ID --as applied|pending [--dry-run]
      Says what became of a migration that did not run to its end, after a person has finished or undone it.
  heddle migrate --repair [ID ...] --accept [--dry-run]
      Accepts the files of applied migrations as they are now: of these, or of all that were edited.
  heddle migrate --baseline ID [--dry-run]
      Adopts a database that was made without this tool: everything up to ID counts as applied and is not run.
  heddle migrate --generate NAME [--empty] [--hints FILE]
      Makes a pair of what changed in drizzle/schema, and proves it on a scratch database: up, down, up again.
      --empty: a pair to write by hand. --hints: the answers to drizzle-kit's questions, in its own JSON.
  heddle migrate --check
      Proves every pair, and that together they make what drizzle/schema says. Writes nothing.

  --dry-run              print what would be done, and change nothing
  --lock-timeout SECONDS how long to wait for other migrations and for locks on tables (default 60)
  --wait SECONDS         how long to wait for a database that is not up yet (default 30)
  --dir DIR              the folder of the pairs (default: migrations, in the package)

Exit codes: 0 done or nothing to do, 1 SQL failed, 2 wrong usage, 3 the files are not valid or do not go
together with the database, 4 the lock was not free in time, 5 the database cannot be reached.`;

/**
 * Reads the arguments behind `heddle migrate`.
 * @throws MigrationError with exit code 2
 */
export function readArguments(argv: readonly string[]): Command {
  const { values: given, positionals: ids } = parse(argv);
  if (given.help) return { action: 'help' };
  const actions = ACTIONS.filter((name) => given[name] !== undefined);
  const [action] = actions;
  if (action === undefined || actions.length > 1)
    throw usage(`say one, and only one, of ${ACTIONS.map((name) => `--${name}`).join(', ')}`);
  refuseStrangers(action, Object.keys(given));
  if (action !== 'repair' && ids.length > 0) throw usage(`unexpected argument: ${ids.join(' ')}`);
  return { ...common(given), ...particular(action, given, ids) };
}

type Given = ReturnType<typeof parse>['values'];
type Action = Exclude<Command['action'], 'help'>;
type Particular<C> = C extends { action: Action } ? Omit<C, keyof Common> : never;

const ACTIONS = ['up', 'rollback', 'status', 'repair', 'baseline', 'generate', 'check'] as const;

const OPTIONS_OF: Record<Action, readonly string[]> = {
  up: ['dry-run', 'to', 'allow-out-of-order'],
  rollback: ['dry-run', 'number'],
  status: ['json', 'exit-code'],
  repair: ['as', 'accept', 'dry-run'],
  baseline: ['dry-run'],
  generate: ['empty', 'hints'],
  check: [],
};

const OPTIONS_OF_ALL = ['lock-timeout', 'wait', 'dir'];

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        up: { type: 'boolean' },
        rollback: { type: 'boolean' },
        status: { type: 'boolean' },
        repair: { type: 'boolean' },
        as: { type: 'string' },
        accept: { type: 'boolean' },
        baseline: { type: 'string' },
        generate: { type: 'string' },
        empty: { type: 'boolean' },
        hints: { type: 'string' },
        check: { type: 'boolean' },
        'dry-run': { type: 'boolean' },
        to: { type: 'string' },
        'allow-out-of-order': { type: 'boolean' },
        number: { type: 'string', short: 'n' },
        json: { type: 'boolean' },
        'exit-code': { type: 'boolean' },
        'lock-timeout': { type: 'string' },
        wait: { type: 'string' },
        dir: { type: 'string' },
      },
    });
  } catch (error) {
    const [firstLine = ''] = (error as Error).message.split('\n');
    // Of a value that begins with a dash, as a number below zero does.
    throw usage(firstLine.replace('argument is ambiguous.', 'needs a value, which cannot begin with a dash'));
  }
}

function refuseStrangers(action: Action, names: readonly string[]): void {
  const known = [action, ...OPTIONS_OF[action], ...OPTIONS_OF_ALL];
  const stranger = names.find((name) => !known.includes(name));
  if (stranger !== undefined) throw usage(`--${stranger} does not go together with --${action}`);
}

function particular(action: Action, given: Given, ids: string[]): Particular<Command> {
  const dryRun = given['dry-run'] === true;
  switch (action) {
    case 'up':
      return { action, dryRun, to: given.to, allowOutOfOrder: given['allow-out-of-order'] === true };
    case 'rollback':
      return { action, dryRun, count: count(given.number ?? '1') };
    case 'status':
      return { action, json: given.json === true, exitCode: given['exit-code'] === true };
    case 'repair':
      return { action, dryRun, ids, as: repairedAs(given, ids) };
    case 'baseline':
      return { action, dryRun, id: given.baseline ?? '' };
    case 'generate':
      return { action, name: name(given.generate), ...howToGenerate(given) };
    case 'check':
      return { action };
  }
}

function repairedAs({ as, accept }: Given, ids: readonly string[]): 'applied' | 'pending' | 'accepted' {
  if (accept && as === undefined) return 'accepted';
  const isOne = !accept && ids.length === 1;
  if (isOne && (as === 'applied' || as === 'pending')) return as;
  throw usage('say --repair ID --as applied, --repair ID --as pending or --repair [ID ...] --accept');
}

function howToGenerate({ empty = false, hints }: Given): { empty: boolean; hints: string | undefined } {
  if (empty && hints !== undefined) throw usage('--hints does not go together with --empty');
  return { empty, hints };
}

function name(value = ''): string {
  if (isName(value)) return value;
  throw usage(
    `--generate '${brief(value)}': NAME must be lower-case letters, digits and _, at most 63, and begin with a letter`,
  );
}

function common(given: Given): Common {
  return {
    lockTimeoutSeconds: seconds('lock-timeout', given['lock-timeout'] ?? '60'),
    waitSeconds: seconds('wait', given.wait ?? '30'),
    ...(given.dir !== undefined && { directory: given.dir }),
  };
}

function count(value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw usage(`-n ${value}: it must be a whole number from 1`);
  return Number(value);
}

function seconds(name: string, value: string): number {
  if (!/^\d{1,6}(\.\d+)?$/.test(value)) throw usage(`--${name} ${value}: it must be a number of seconds`);
  return Number(value);
}

function usage(message: string): MigrationError {
  return new MigrationError(EXIT.usage, `${message} (see heddle migrate --help)`);
}
