import { and, desc, eq, type SQL, sql } from 'drizzle-orm';
import { aiMemories } from '../../../../drizzle/schema/agents.ts';
import { boundedCount, type Count } from '../bounded-count.ts';
import type { Queryable } from '../connect.ts';
import type { Orm } from '../orm.ts';
import { json, whereGiven } from './columns.ts';

/** What an agent remembers of a user, as Agno keeps it. Times are epoch seconds. */
export type MemoryRow = typeof aiMemories.$inferSelect;

/** What is kept of a memory: all of it but the times. */
export type NewMemory = Omit<MemoryRow, 'created_at' | 'updated_at'>;

export interface MemoryFilter {
  user_id?: string | undefined;
  agent_id?: string | undefined;
  team_id?: string | undefined;
  /** Those that have each of them. */
  topics?: readonly string[] | undefined;
}

/**
 * Keeps a memory as a whole: a new one, or in the place of the one with its id.
 * @returns it, and whether it is new; nothing when there is one with that id of another user, which stays as it is
 */
export async function keepMemory(
  database: Queryable,
  { memory_id, memory, feedback, input, agent_id, team_id, user_id, topics }: NewMemory,
): Promise<{ memory: MemoryRow; isNew: boolean } | undefined> {
  const values = [
    memory_id,
    JSON.stringify(memory),
    feedback,
    input,
    agent_id,
    team_id,
    user_id,
    json(topics),
  ];
  const { rows } = await database.query<{ memory: MemoryRow; is_new: boolean }>(KEEP, values);
  const [row] = rows;
  return row && { memory: row.memory, isNew: row.is_new };
}

/** @param id exactly as it was given */
export async function findMemory(orm: Orm, id: string): Promise<MemoryRow | undefined> {
  const [found] = await orm.select().from(aiMemories).where(eq(aiMemories.memory_id, id));
  return found;
}

/** Memories, the last changed first, and how many there are. */
export async function listMemories(
  orm: Orm,
  filter: MemoryFilter,
  { limit, offset }: { limit: number; offset: number },
): Promise<{ items: MemoryRow[] } & Count> {
  const where = matching(filter);
  const items = await orm
    .select()
    .from(aiMemories)
    .where(where)
    .orderBy(sql`${aiMemories.updated_at} desc nulls last`, desc(aiMemories.memory_id))
    .limit(limit)
    .offset(offset);
  const counted = orm.select({ id: aiMemories.memory_id }).from(aiMemories).where(where);
  return { items, ...(await boundedCount(orm, counted)) };
}

/** @returns whether there was such a memory */
export async function deleteMemory(database: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await database.query('delete from ai_memories where memory_id = $1', [id]);
  return rowCount === 1;
}

function matching({ topics = [], ...columns }: MemoryFilter): SQL | undefined {
  const hasTopics = topics.length > 0 ? [sql`${aiMemories.topics} @> ${JSON.stringify(topics)}::jsonb`] : [];
  return and(...whereGiven(aiMemories, columns), ...hasTopics);
}

/** As Agno's own upsert, but for `created_at`, which stays. `xmax` is 0 in a row that was inserted. */
const KEEP = `
insert into ai_memories as m
  (memory_id, memory, feedback, input, agent_id, team_id, user_id, topics, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, extract(epoch from now())::bigint, extract(epoch from now())::bigint)
on conflict (memory_id) do update set
  memory = excluded.memory, feedback = excluded.feedback, input = excluded.input, agent_id = excluded.agent_id,
  team_id = excluded.team_id, user_id = excluded.user_id, topics = excluded.topics, updated_at = excluded.updated_at
where m.user_id is null or m.user_id = excluded.user_id
returning to_json(m) as memory, m.xmax = 0 as is_new`;
