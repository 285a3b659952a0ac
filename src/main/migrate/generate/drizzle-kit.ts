import { EXIT, MigrationError } from '../error.ts';
import type { Hint } from './hints.ts';
import type { Entity, Snapshot, SnapshotFolder } from './snapshots.ts';

/*
 * The one place that knows drizzle-kit's programmatic interface, which changes between its releases: it is pinned to
 * one. drizzle-kit is a development dependency, so it is loaded only when it is needed.
 */

/** What drizzle-kit would write. `asked` is its own answer, as JSON, when it cannot tell a rename from a new thing. */
export type Plan =
  | { status: 'unchanged' }
  | { status: 'changed'; changes: string[] }
  | { status: 'asks'; asked: string };

/** The whole schema at one point of its history. */
export interface State {
  ddl: Entity[];
}

/**
 * Holds the schema files against the snapshots. Writes nothing.
 * @param root the folder of drizzle.config.ts
 * @throws MigrationError when drizzle-kit is not there, or what it complains of
 */
export async function planChange(root: string, hints: readonly Hint[]): Promise<Plan> {
  const answer = await generate(root, { explain: true, hints });
  if (answer.status === 'no_changes') return { status: 'unchanged' };
  if (answer.status === 'missing_hints') return { status: 'asks', asked: JSON.stringify(answer) };
  return { status: 'changed', changes: (answer.statements ?? []).map(changeOf) };
}

/**
 * Writes the folder of a change: its snapshot and, as drizzle-kit does it, `migration.sql`.
 * @returns the folder's name
 */
export async function writeChange(root: string, name: string, hints: readonly Hint[]): Promise<string> {
  const { migration_path: path } = await generate(root, { name, hints });
  if (path === undefined) throw broken('it wrote no migration');
  return path.split(/[\\/]/).at(-2) ?? '';
}

/** What drizzle-kit has against the history of the snapshots; two branches that do not go together, for instance. */
export async function faultsOfHistory(root: string): Promise<string[]> {
  const { check } = await loadCommands();
  const answer = (await inFolder(root, () => check({}))) as Answer;
  return answer.status === 'error' ? explain(answer.error) : [];
}

/** The statements that make the whole schema as the schema files have it. */
export async function schemaStatements(root: string): Promise<string[]> {
  const { exportSql } = await loadCommands();
  const answer = (await inFolder(root, () => exportSql({ sql: true }))) as Answer;
  if (answer.status === 'error') throw refusal(answer.error);
  return (answer.statements ?? []).filter((statement) => typeof statement === 'string');
}

/**
 * The schema before and after one snapshot, which may join several branches.
 * @param folders all of them: a snapshot only says what it changed
 */
export async function statesAround(
  folder: SnapshotFolder,
  folders: readonly SnapshotFolder[],
): Promise<{ before: State; after: State }> {
  const { reconstruct } = await loadDiffs();
  const after = Object.fromEntries(folders.map(({ name, snapshot }) => [name, snapshot]));
  // A snapshot that changes nothing stands for what was before it: a merge has no single one before it.
  const unchanged: Snapshot = { ...folder.snapshot, ddl: [], deltas: [], footprints: [] };
  const before = { ...after, [folder.name]: unchanged };
  const { id } = folder.snapshot;
  try {
    return {
      before: (await reconstruct(before, id)) as State,
      after: (await reconstruct(after, id)) as State,
    };
  } catch (error) {
    throw broken((error as Error).message, error);
  }
}

/** The statements that lead from one schema to another. Whatever no hint calls renamed is made anew. */
export async function statementsBetween(from: State, to: State, renames: readonly Hint[]): Promise<string[]> {
  const { generateMigration } = await loadDiffs();
  const hints: Hint[] = [...renames];
  for (;;) {
    try {
      return await generateMigration(from, to, { hints: hints as never });
    } catch (error) {
      const asked = (error as { missingHints?: Question[] }).missingHints;
      const made = (asked ?? []).map(({ kind, entity }): Hint => ({ type: 'create', kind, entity }));
      // It asks in stages, first for tables, then for what is in them; never the same twice.
      if (made.length === 0 || made.every((hint) => includes(hints, hint)))
        throw broken((error as Error).message, error);
      hints.push(...made);
    }
  }
}

/** As far as it is read here; every command answers in this form. */
interface Answer {
  status: 'ok' | 'no_changes' | 'missing_hints' | 'error';
  error?: Fault;
  /** SQL, or with `explain` what is to be done, in drizzle-kit's own terms. */
  statements?: (string | Statement)[];
  migration_path?: string;
}

interface Statement {
  type: string;
  [part: string]: unknown;
}

interface Question {
  kind: string;
  entity: string[];
}

interface Fault {
  code: string;
  message?: string;
  kind?: string;
  details?: { branches: { statementDescription: string }[] }[];
}

function includes(hints: readonly Hint[], hint: Hint): boolean {
  return hints.some((one) => JSON.stringify(one) === JSON.stringify(hint));
}

async function generate(
  root: string,
  options: { explain?: boolean; name?: string; hints: readonly Hint[] },
): Promise<Answer> {
  const { generate } = await loadCommands();
  const answer = (await inFolder(root, () =>
    generate({ ...options, hints: options.hints as never }),
  )) as Answer;
  if (answer.status === 'error') throw refusal(answer.error);
  return answer;
}

/** `alter column tasks.status`. */
function changeOf(statement: string | Statement): string {
  if (typeof statement === 'string') return statement;
  const { type, ...parts } = statement;
  const entity = Object.values(parts).find(
    (part) => typeof (part as Partial<Entity> | null)?.name === 'string',
  );
  const { table, name } = (entity ?? {}) as Partial<Entity>;
  return [type.replaceAll('_', ' '), [table, name].filter(Boolean).join('.')].join(' ');
}

/** drizzle.config.ts names its folders from the working directory, as for `npx drizzle-kit`. */
async function inFolder<T>(root: string, work: () => Promise<T>): Promise<T> {
  const before = process.cwd();
  process.chdir(root);
  try {
    return await work();
  } finally {
    process.chdir(before);
  }
}

const loadCommands = () => load(() => import('drizzle-kit/cli'));
const loadDiffs = () => load(() => import('drizzle-kit/api-postgres'));

async function load<Module>(from: () => Promise<Module>): Promise<Module> {
  try {
    return await from();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const message = 'drizzle-kit is not installed: this works in a checkout, after npm ci';
    throw new MigrationError(EXIT.usage, message, { cause: error });
  }
}

/** Hints that do not fit are the caller's fault, everything else is in the files. */
function refusal(fault: Fault | undefined): MigrationError {
  const exitCode = fault?.code === 'invalid_hints' ? EXIT.usage : EXIT.filesInvalid;
  return new MigrationError(exitCode, explain(fault));
}

function explain(fault: Fault | undefined): string[] {
  if (fault?.kind === 'conflicts') return (fault.details ?? []).map(conflict);
  const { code, ...details } = fault ?? { code: 'no reason given' };
  return [`drizzle-kit: ${fault?.message ?? `${code} ${JSON.stringify(details)}`}`];
}

function conflict({ branches }: { branches: { statementDescription: string }[] }): string {
  const sides = branches.map(({ statementDescription }) => statementDescription).join(' and ');
  return `two branches change the same thing: ${sides}; take one of them away and generate it anew on top of the other`;
}

function broken(reason: string, cause?: unknown): MigrationError {
  return new MigrationError(EXIT.filesInvalid, `drizzle-kit: ${reason}`, { cause });
}
