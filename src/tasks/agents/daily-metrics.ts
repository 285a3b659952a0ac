import type { Pool } from 'pg';

/**
 * The days of which there are no final figures, oldest first, today last: as Agno has it, those from the last row on,
 * or from the first session on when there is no row. Days are those of UTC.
 * @returns dates such as `2026-11-29`
 */
export async function daysToAggregate(database: Pool): Promise<string[]> {
  const { rows } = await database.query<{ day: string }>(DAYS);
  return rows.map(({ day }) => day);
}

/**
 * Writes a day's row into `ai_metrics`, anew when it is there. A day without sessions, attempts and documents gets none.
 *
 * The columns are counted as Agno counts them (`calculate_date_metrics` of its PostgreSQL storage), so that it makes no
 * difference who does it. What Heddle adds is in `token_metrics`, under `heddle`.
 * @param day a date of UTC
 */
export async function aggregateDay(database: Pool, day: string): Promise<void> {
  await database.query(AGGREGATE, [day]);
}

const TODAY = "(now() at time zone 'UTC')::date";

const DAYS = `
select to_char(day, 'YYYY-MM-DD') as day
from generate_series(
  least(${TODAY}, coalesce(
    (select date + completed::int from ai_metrics order by date desc limit 1),
    (select (to_timestamp(min(created_at)) at time zone 'UTC')::date from ai_sessions),
    ${TODAY})),
  ${TODAY}, interval '1 day') as day
order by day`;

const TOKENS = [
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'audio_total_tokens',
  'audio_input_tokens',
  'audio_output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
];

const countOf = (what: 'sessions' | 'runs', type: string) =>
  `(select count(*) from ${what} where session_type = '${type}')`;

/** $1 the day. What is not of the kind that it should be, in JSON that others have written, counts as nothing. */
const AGGREGATE = `
with bounds as (
  select extract(epoch from $1::date)::bigint as from_second, extract(epoch from $1::date + 1)::bigint as to_second,
    $1::timestamp at time zone 'UTC' as from_instant, ($1::timestamp + interval '1 day') at time zone 'UTC' as to_instant
),
sessions as materialized (
  select session_type, user_id, runs, session_data -> 'session_metrics' as metrics
  from ai_sessions, bounds
  where created_at >= from_second and created_at < to_second
),
runs as materialized (
  select session_type, run ->> 'model' as model_id, coalesce(run ->> 'model_provider', '') as model_provider
  from sessions cross join jsonb_array_elements(case jsonb_typeof(runs) when 'array' then runs else '[]' end) as run
),
models as (
  select model_id, model_provider, count(*) as count from runs where model_id <> '' group by 1, 2
),
tokens as (
  select field, coalesce(sum((metrics ->> field)::numeric) filter (where jsonb_typeof(metrics -> field) = 'number'), 0) as sum
  from unnest('{${TOKENS.join()}}'::text[]) as field left join sessions on true
  group by field
),
minutes as (
  select coalesce(sum(attempts), 0) as attempts, coalesce(sum(completed), 0) as completed,
    coalesce(sum(failed), 0) as failed, coalesce(sum(retried), 0) as retried
  from attempt_minutes, bounds
  where began_at >= from_instant and began_at < to_instant
),
uploads as (
  select count(*) as uploaded, coalesce(sum(d.bytes), 0) as bytes, coalesce(sum(p.pages), 0) as pages,
    coalesce(sum(p.characters), 0) as characters, count(*) filter (where p.status = 'failed') as failed
  from documents d join parsed_documents p on p.document_id = d.id, bounds
  where d.created_at >= from_instant and d.created_at < to_instant
)
insert into ai_metrics as m (id, date, aggregation_period, completed, created_at, updated_at,
  agent_sessions_count, team_sessions_count, workflow_sessions_count,
  agent_runs_count, team_runs_count, workflow_runs_count, users_count, token_metrics, model_metrics)
select gen_random_uuid()::text, $1::date, 'daily', $1::date < ${TODAY},
  extract(epoch from now())::bigint, extract(epoch from now())::bigint,
  ${countOf('sessions', 'agent')}, ${countOf('sessions', 'team')}, ${countOf('sessions', 'workflow')},
  ${countOf('runs', 'agent')}, ${countOf('runs', 'team')}, ${countOf('runs', 'workflow')},
  (select count(distinct user_id) from sessions where user_id <> ''),
  (select jsonb_object_agg(field, sum) from tokens)
    || jsonb_build_object('heddle', jsonb_build_object('tasks', to_jsonb(minutes), 'documents', to_jsonb(uploads))),
  coalesce((select jsonb_agg(to_jsonb(models) order by model_id, model_provider) from models), '[]')
from minutes, uploads
where minutes.attempts > 0 or uploads.uploaded > 0 or exists (select from sessions)
on conflict (date, aggregation_period) do update set
  completed = excluded.completed, updated_at = excluded.updated_at,
  agent_sessions_count = excluded.agent_sessions_count, team_sessions_count = excluded.team_sessions_count,
  workflow_sessions_count = excluded.workflow_sessions_count, agent_runs_count = excluded.agent_runs_count,
  team_runs_count = excluded.team_runs_count, workflow_runs_count = excluded.workflow_runs_count,
  users_count = excluded.users_count, token_metrics = excluded.token_metrics, model_metrics = excluded.model_metrics`;
