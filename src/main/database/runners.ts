import { desc, sql } from 'drizzle-orm';
import { runners } from '../../../drizzle/schema/tasks.ts';
import type { Orm } from './orm.ts';

/** Of a row of `runners`: it was heard of within its lease, by the database's clock. */
const HEARD_OF = sql`last_seen_at > now() - make_interval(secs => lease_seconds)`;

/** Of a row of `runners`: it is alive, and not just standing by. */
export const RUNNING_ITS_TASKS = sql`status in ('active', 'draining', 'degraded') and ${HEARD_OF}`;

type Threads = (typeof runners.$inferSelect)['threads'];

/** All runners, the latest started first; stopped and lost ones for 24 hours. */
export async function listRunners(orm: Orm) {
  return orm
    .select({
      id: runners.id,
      host: runners.host,
      pid: runners.pid,
      version: runners.version,
      role: runners.role,
      // A dead runner does not say so, and until another one takes over nobody else does.
      status: sql<string>`case when status = 'stopped' or ${HEARD_OF} then status else 'lost' end`,
      started_at: runners.started_at,
      last_seen_at: runners.last_seen_at,
      threads: sql<Threads>`case when status not in ('stopped', 'lost') and ${HEARD_OF} then threads else '[]' end`,
    })
    .from(runners)
    .where(sql`last_seen_at > now() - interval '24 hours'`)
    .orderBy(desc(runners.started_at), runners.id);
}

/** Whether any runner is alive that runs tasks. */
export async function hasLiveRunner(orm: Orm): Promise<boolean> {
  const { rows } = await orm.execute<{ live: boolean }>(
    sql`select exists (select from runners where ${RUNNING_ITS_TASKS}) as live`,
  );
  return rows[0]?.live === true;
}

/** What a runner that is alive can be. */
export type LiveStatus = 'active' | 'standby' | 'draining' | 'degraded';

/** How many runners are alive, by their status. */
export async function countLiveRunners(orm: Orm): Promise<Record<LiveStatus, number>> {
  const { rows } = await orm.execute<{ status: LiveStatus; count: number }>(
    sql`select status, count(*)::int from runners where status not in ('stopped', 'lost') and ${HEARD_OF} group by status`,
  );
  const counts = { active: 0, standby: 0, draining: 0, degraded: 0 };
  for (const { status, count } of rows) counts[status] = count;
  return counts;
}
