import { oldNames } from './hints.ts';
import { type Delta, type Entity, parseKey } from './snapshots.ts';

/** What each of a pair's two files loses for ever, in words. */
export interface Losses {
  up: string[];
  down: string[];
}

/**
 * Tells which data a change of the schema, and going back over it, loses. Pure.
 * @param before every entity of the schema before the change
 */
export function lossesOf(deltas: readonly Delta[], before: readonly Entity[]): Losses {
  const made = deltas.flatMap((delta) => (delta.op === 'create' ? [delta.row] : []));
  const dropped = deltas.flatMap((delta) =>
    delta.op === 'drop' ? [entityAt(delta.key, deltas, before)] : [],
  );
  const altered = deltas.flatMap((delta) => {
    if (delta.op !== 'alter') return [];
    const from = entityAt(delta.key, deltas, before);
    return [{ from, to: { ...from, ...delta.set } }];
  });
  return {
    up: [...gone(dropped), ...altered.flatMap(({ from, to }) => narrowed(from, to))],
    down: [...gone(made), ...altered.flatMap(({ from, to }) => narrowed(to, from))],
  };
}

/** The comment that stands at the top of a file that loses data; empty when it loses none. */
export function lossComment(losses: readonly string[]): string {
  return losses.length === 0 ? '' : `-- LOSES DATA: ${losses.join(', ')}.\n\n`;
}

/** A key has the new names of what is around an entity, and the entity before the change may have others. */
function entityAt(key: string, deltas: readonly Delta[], before: readonly Entity[]): Entity {
  const { entityType, names } = parseKey(key);
  const wanted = JSON.stringify(oldNames(names, deltas));
  const found = before.find(
    (entity) => entity.entityType === entityType && JSON.stringify(namesOf(entity)) === wanted,
  );
  const named = names.length === 3 ? { schema: names[0], table: names[1] } : { schema: names.at(-2) };
  return { ...found, entityType, ...named, name: names.at(-1) ?? '' } as Entity;
}

function namesOf({ schema, table, name }: Entity): string[] {
  return [schema, table, name].filter((part) => part !== undefined);
}

function gone(entities: readonly Entity[]): string[] {
  const tables = entities.filter(({ entityType }) => entityType === 'tables');
  const names = new Set(tables.map(display));
  const columns = entities.filter(
    (entity) => entity.entityType === 'columns' && !entity.generated && !names.has(tableOf(entity)),
  );
  const sequences = entities.filter(({ entityType }) => entityType === 'sequences');
  return [
    ...tables.map((table) => `the rows of ${display(table)}`),
    ...columns.map((column) => `the values of ${display(column)}`),
    ...sequences.map((sequence) => `where ${display(sequence)} stands`),
  ];
}

function narrowed(from: Entity, to: Entity): string[] {
  if (from.entityType === 'enums') return labelsGone(from, to);
  if (from.entityType !== 'columns' || from.generated) return [];
  if (to.generated) return [`the values of ${display(to)}, which are computed then`];
  const [before, after] = [typeOf(from), typeOf(to)];
  return keepsAll(before, after) ? [] : [`the values of ${display(to)} that ${after} cannot hold`];
}

function labelsGone(from: Entity, to: Entity): string[] {
  const left = new Set(labelsOf(to));
  const labels = labelsOf(from).filter((label) => !left.has(label));
  return labels.map((label) => `the value '${label}' of ${display(to)}, which no row may have then`);
}

function labelsOf({ values }: Entity): string[] {
  return Array.isArray(values) ? values.map(String) : [];
}

function display(entity: Entity): string {
  const { schema, table, name } = entity;
  return [schema === 'public' ? undefined : schema, table, name]
    .filter((part) => part !== undefined)
    .join('.');
}

function tableOf({ schema, table }: Entity): string {
  return display({ entityType: 'tables', ...(schema !== undefined && { schema }), name: table ?? '' });
}

function typeOf({ type, dimensions }: Entity): string {
  return `${String(type)}${'[]'.repeat(Number(dimensions ?? 0))}`;
}

const LADDERS = [
  ['smallint', 'integer', 'bigint', 'numeric'],
  ['real', 'double precision'],
  ['date', 'timestamp', 'timestamp with time zone'],
  ['json', 'jsonb'],
];

/** Whether every value of one type is a value of the other. In doubt it is not. */
export function keepsAll(from: string, to: string): boolean {
  if (from === to || to === 'text' || to === 'varchar') return true;
  if (LADDERS.some((ladder) => ladder.includes(from) && ladder.indexOf(from) <= ladder.indexOf(to)))
    return true;
  const [fromName, fromLength = Infinity, fromScale = 0] = sized(from);
  const [toName, toLength = Infinity, toScale = 0] = sized(to);
  if (fromName !== toName) return false;
  if (fromName === 'varchar') return fromLength <= toLength;
  if (fromName !== 'numeric') return false;
  return to === 'numeric' || (fromScale <= toScale && fromLength - fromScale <= toLength - toScale);
}

/** `numeric(10,2)` as its parts. */
function sized(type: string): [name: string, length?: number, scale?: number] {
  const [, name = type, length, scale] = /^(\w+)(?:\((\d+)(?:,\s*(\d+))?\))?$/.exec(type) ?? [];
  if (length === undefined) return [name];
  return scale === undefined ? [name, Number(length)] : [name, Number(length), Number(scale)];
}
