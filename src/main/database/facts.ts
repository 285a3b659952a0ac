import { facts } from '../../../drizzle/schema/facts.ts';
import type { Queryable } from './connect.ts';

/** What callers see of a fact, in the order they see it. */
export const VISIBLE = {
  id: facts.id,
  text: facts.text,
  tags: facts.tags,
  meta_data: facts.meta_data,
  created_at: facts.created_at,
  updated_at: facts.updated_at,
  produced_by_task_id: facts.produced_by_task_id,
};

export type FactRow = Pick<typeof facts.$inferSelect, keyof typeof VISIBLE>;

/** A fact to keep. */
export interface NewFact {
  text: string;
  tags: readonly string[];
  meta_data: Record<string, unknown>;
  produced_by_task_id: string | null;
}

/** What is to change of a fact. What is null or undefined stays. */
export interface FactChanges {
  text?: string | null | undefined;
  tags?: readonly string[] | null | undefined;
  meta_data?: Record<string, unknown> | null | undefined;
}

/** Keeps a fact. @param client a pool, or a client in a transaction */
export async function createFact(client: Queryable, fact: NewFact): Promise<FactRow> {
  const { text, tags, meta_data, produced_by_task_id } = fact;
  const values = [text, tags, JSON.stringify(meta_data), produced_by_task_id];
  const { rows } = await client.query<FactRow>(INSERT, values);
  return rows[0] as FactRow;
}

/** @param id a whole id */
export async function findFact(database: Queryable, id: string): Promise<FactRow | undefined> {
  const { rows } = await database.query<FactRow>(SELECT, [id]);
  return rows[0];
}

/**
 * Changes a fact. When it is like that already, nothing is written and `updated_at` stays.
 * @param id a whole id
 * @returns the fact as it is now, or nothing when there is none
 */
export async function updateFact(
  database: Queryable,
  id: string,
  { text, tags, meta_data }: FactChanges,
): Promise<FactRow | undefined> {
  const { rows } = await database.query<FactRow>(UPDATE, [
    id,
    text,
    tags,
    meta_data && JSON.stringify(meta_data),
  ]);
  return rows[0] ?? findFact(database, id);
}

/** @param id a whole id @returns whether there was such a fact */
export async function deleteFact(database: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await database.query(DELETE, [id]);
  return rowCount === 1;
}

const FIELDS = Object.keys(VISIBLE).join(', ');

const INSERT = `
insert into facts (text, tags, meta_data, produced_by_task_id) values ($1, $2, $3, $4)
returning ${FIELDS}`;

const SELECT = `select ${FIELDS} from facts where id = $1`;

/** Null stands for what stays: no field of a fact that can be changed can be null. */
const UPDATE = `
update facts set
  text = coalesce($2, text),
  tags = coalesce($3, tags),
  meta_data = coalesce($4, meta_data),
  updated_at = now()
where id = $1
  and (text, tags, meta_data) is distinct from (coalesce($2, text), coalesce($3, tags), coalesce($4, meta_data))
returning ${FIELDS}`;

const DELETE = 'delete from facts where id = $1';
