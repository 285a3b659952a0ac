import type { Queryable } from '../connect.ts';

/** The version of Agno whose columns these tables have. Its own migrations begin after it. */
const AGNO_SCHEMA = '2.5.6';

/**
 * Writes into `ai_versions` which schema the agents' tables have, so that Agno does not migrate them from the
 * beginning, and which migration of Heddle's was applied last, under `ai_migrations`. What Agno has written about its
 * tables since stays. Does nothing where the first migration is not applied.
 */
export async function noteVersions(database: Queryable): Promise<void> {
  const { rows } = await database.query<{ there: boolean }>(HAS_VERSIONS);
  if (rows[0]?.there) await database.query(NOTE, [AGNO_SCHEMA]);
}

const HAS_VERSIONS =
  "select to_regclass('ai_versions') is not null and to_regclass('ai_migrations') is not null as there";

/** Times as Agno writes them: ISO 8601 without a zone. */
const NOW = `to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')`;

const NOTE = `
with agents as (
  insert into ai_versions (table_name, version, created_at, updated_at)
  select name, $1, ${NOW}, ${NOW} from unnest('{ai_sessions,ai_memories,ai_metrics}'::text[]) as name
  on conflict (table_name) do nothing
)
insert into ai_versions as v (table_name, version, created_at, updated_at)
select 'ai_migrations', max(id), ${NOW}, ${NOW} from ai_migrations where status = 'applied' having max(id) is not null
on conflict (table_name) do update set version = excluded.version, updated_at = excluded.updated_at
where v.version <> excluded.version`;
