import { and, desc, eq, getTableColumns, type SQL } from 'drizzle-orm';
import { aiSessions } from '../../../../drizzle/schema/agents.ts';
import { boundedCount, type Count } from '../bounded-count.ts';
import type { Queryable } from '../connect.ts';
import type { Orm } from '../orm.ts';
import { json, whereGiven } from './columns.ts';

/** A conversation with an agent, a team or a workflow, as Agno keeps it. Times are epoch seconds. */
export type SessionRow = typeof aiSessions.$inferSelect;

/** A session without its runs, which may be megabytes. */
export type SessionSummary = Omit<SessionRow, 'runs'>;

/** What is kept of a session: all of it but the times. */
export type NewSession = Omit<SessionRow, 'created_at' | 'updated_at'>;

export type SessionFilter = {
  [Name in 'session_type' | 'agent_id' | 'team_id' | 'workflow_id' | 'user_id']?: string | undefined;
};

/**
 * Keeps a session as a whole: a new one, or in the place of the one with its id.
 * @returns it, and whether it is new; nothing when there is one with that id of another user, which stays as it is
 */
export async function keepSession(
  database: Queryable,
  session: NewSession,
): Promise<{ session: SessionRow; isNew: boolean } | undefined> {
  const values = COLUMNS.map((name) => (JSON_COLUMNS.has(name) ? json(session[name]) : session[name]));
  const { rows } = await database.query<{ session: SessionRow; is_new: boolean }>(KEEP, values);
  const [row] = rows;
  return row && { session: row.session, isNew: row.is_new };
}

/** @param id exactly as it was given */
export async function findSession(orm: Orm, id: string): Promise<SessionRow | undefined> {
  const [found] = await orm.select().from(aiSessions).where(eq(aiSessions.session_id, id));
  return found;
}

/** Sessions, the newest first, and how many there are. */
export async function listSessions(
  orm: Orm,
  filter: SessionFilter,
  { limit, offset }: { limit: number; offset: number },
): Promise<{ items: SessionSummary[] } & Count> {
  const where = matching(filter);
  const items = await orm
    .select(SUMMARY)
    .from(aiSessions)
    .where(where)
    .orderBy(desc(aiSessions.created_at), desc(aiSessions.session_id))
    .limit(limit)
    .offset(offset);
  const counted = orm.select({ id: aiSessions.session_id }).from(aiSessions).where(where);
  return { items, ...(await boundedCount(orm, counted)) };
}

/** @returns whether there was such a session */
export async function deleteSession(database: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await database.query('delete from ai_sessions where session_id = $1', [id]);
  return rowCount === 1;
}

function matching(filter: SessionFilter): SQL | undefined {
  return and(...whereGiven(aiSessions, filter));
}

const { runs: _runs, ...SUMMARY } = getTableColumns(aiSessions);

const COLUMNS = [
  'session_id',
  'session_type',
  'agent_id',
  'team_id',
  'workflow_id',
  'user_id',
  'session_data',
  'agent_data',
  'team_data',
  'workflow_data',
  'metadata',
  'runs',
  'summary',
] as const;

const JSON_COLUMNS: ReadonlySet<string> = new Set(COLUMNS.slice(6));

/**
 * As Agno's own upsert: it never changes `created_at`, nor a session of another user. `xmax` is 0 in a row that was
 * inserted, and the updating transaction in one that was there.
 */
const KEEP = `
insert into ai_sessions as s (${COLUMNS.join(', ')}, created_at, updated_at)
values (${COLUMNS.map((_, at) => `$${at + 1}`).join(', ')},
  extract(epoch from now())::bigint, extract(epoch from now())::bigint)
on conflict (session_id) do update set
  ${COLUMNS.slice(1)
    .map((name) => `${name} = excluded.${name}`)
    .join(', ')},
  updated_at = excluded.updated_at
where s.user_id is null or s.user_id = excluded.user_id
returning to_json(s) as session, s.xmax = 0 as is_new`;
