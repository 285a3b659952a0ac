import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { EXIT, MigrationError } from '../error.ts';
import { type Delta, parseKey } from './snapshots.ts';

/** drizzle-kit's own answer to one of its questions. Names are `[schema, table, name]`, as many of them as there are. */
export type Hint =
  | { type: 'rename'; kind: string; from: string[]; to: string[] }
  | { type: 'create' | 'confirm_data_loss'; kind: string; entity: string[] };

/**
 * Reads the array of a `--hints` file. Whether its answers fit the questions is drizzle-kit's to judge.
 * @throws MigrationError with exit code 2 that names the entry
 */
export async function readHints(file: string): Promise<Hint[]> {
  const hints = await readJson(file);
  if (!Array.isArray(hints)) throw unfit(file, 'it must be an array of hints');
  const bad = hints.findIndex((one) => !hint.safeParse(one).success);
  if (bad !== -1) throw unfit(file, `entry ${bad + 1} must be ${SHAPES}`);
  return hints as Hint[];
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw unfit(file, (error as Error).message);
  }
}

function unfit(file: string, reason: string): MigrationError {
  return new MigrationError(EXIT.usage, `--hints ${file}: ${reason}`);
}

const names = z.array(z.string()).min(1);
const hint = z.union([
  z.looseObject({ type: z.literal('rename'), kind: z.string(), from: names, to: names }),
  z.looseObject({ type: z.enum(['create', 'confirm_data_loss']), kind: z.string(), entity: names }),
]);

const SHAPES =
  '{"type": "rename", "kind": "column", "from": ["public", "tasks", "title"], "to": ["public", "tasks", "subject"]} or {"type": "create", "kind": "column", "entity": ["public", "tasks", "tenant"]}';

/** The hints that lead forwards over renames that a snapshot has recorded. */
export function renameHints(deltas: readonly Delta[]): Hint[] {
  return renamesIn(deltas).map(({ kind, from, to }) => ({ type: 'rename', kind, from, to }));
}

/**
 * The hints that lead back. What is renamed is named from the outside inwards: when its turn comes, the schema and the
 * table around it have their old names again.
 */
export function reverseHints(deltas: readonly Delta[]): Hint[] {
  const renames = renamesIn(deltas);
  const outside = (names: string[]) => [...oldContainer(names.slice(0, -1), renames), names.at(-1) ?? ''];
  return renames.map(({ kind, from, to }) => ({
    type: 'rename',
    kind,
    from: outside(to),
    to: outside(from),
  }));
}

/** The former name of a table, or of what is in one, given its name after all renames of a snapshot. */
export function oldNames(names: readonly string[], deltas: readonly Delta[]): string[] {
  const renames = renamesIn(deltas);
  const container = oldContainer(names.slice(0, -1), renames);
  const full = [...container, names.at(-1) ?? ''];
  const own = renames.find(({ to }) => same(to, names));
  return own ? [...container, own.from.at(-1) ?? ''] : full;
}

interface Rename {
  kind: string;
  from: string[];
  /** With the schema and the table around it called as they are afterwards. */
  to: string[];
}

/** drizzle-kit's names for one thing, in its snapshots and in its hints. */
const KINDS: Record<string, string> = {
  schemas: 'schema',
  tables: 'table',
  columns: 'column',
  enums: 'enum',
  sequences: 'sequence',
  views: 'view',
  policies: 'policy',
  roles: 'role',
  checks: 'check',
  indexes: 'index',
  uniques: 'unique',
  pks: 'primary_key',
  fks: 'foreign key',
};

function renamesIn(deltas: readonly Delta[]): Rename[] {
  return deltas.flatMap((delta) => {
    if (delta.op !== 'rename') return [];
    const { entityType, names: from } = parseKey(delta.key);
    const kind = KINDS[entityType];
    return kind === undefined ? [] : { kind, from, to: renamed(from, delta.set) };
  });
}

/** A rename may also move a thing to another schema. */
function renamed(from: readonly string[], set: Record<string, unknown>): string[] {
  const to = [...from];
  if (typeof set.name === 'string') to[to.length - 1] = set.name;
  if (typeof set.schema === 'string' && to.length > 1) to[0] = set.schema;
  return to;
}

/** `[schema]` or `[schema, table]` before the renames. */
function oldContainer(container: readonly string[], renames: readonly Rename[]): string[] {
  const [schema, ...table] = container;
  if (schema === undefined) return [];
  const ofTable = renames.find(({ kind, to }) => kind === 'table' && table.length > 0 && same(to, container));
  if (ofTable) return [...oldContainer(ofTable.from.slice(0, 1), renames), ...ofTable.from.slice(1)];
  const ofSchema = renames.find(({ kind, to }) => kind === 'schema' && same(to, [schema]));
  return [ofSchema?.from[0] ?? schema, ...table];
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, at) => name === other[at]);
}
