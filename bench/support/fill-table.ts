import pg from 'pg';

/**
 * Fills the table as some time of use would: 97 % completed, 1 % failed, 1 % cancelled, the newest 1 % queued, some
 * hundred created and eight running; twelve types, one of which has twenty tasks; a tenth with a domain, a twentieth
 * with a unique key.
 */
export async function fillTable(databaseUrl: string, rows: number): Promise<void> {
  await patiently(databaseUrl, async (client) => {
    for (let from = 0; from < rows; from += AT_ONCE)
      await client.query(FILL, [from, Math.min(rows, from + AT_ONCE), rows]);
    await client.query('vacuum analyze tasks');
  });
}

/** Queues as many more, of three types, half of them for later. Nothing is vacuumed or analyzed. */
export async function queueMore(databaseUrl: string, rows: number): Promise<void> {
  await patiently(databaseUrl, (client) => client.query(QUEUE_MORE, [rows]));
}

/** Adds as many no-op tasks that have been completed in the last days. */
export async function fillFinished(databaseUrl: string, rows: number): Promise<void> {
  await patiently(databaseUrl, (client) => client.query(FINISHED, [rows]));
}

const FINISHED = `
insert into tasks (type, status, attempt, result, created_at, updated_at, run_at, started_at, finished_at, last_run_at)
select 'no-op', 'completed', 1, 'null', at, at, at, at, at, at
from generate_series(1, $1::int) i, lateral (select now() - interval '5 days' * (i / $1::float8) as at) aged`;

const QUEUE_MORE = `
insert into tasks (type, status, run_at)
select (array['send-mail', 'sync-contact', 'rotate-keys'])[i % 3 + 1], 'queued',
  now() + interval '1 hour' * (i % 2 * 2 - 1)
from generate_series(1, $1::int) i`;

/** A pool gives a statement ten seconds. */
async function patiently(databaseUrl: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await work(client);
  await client.end();
}

/** In one statement. */
const AT_ONCE = 200_000;

/**
 * $1 from and $2 to which row, $3 of how many: the last is the newest. Ids are of version 7 and of the time that the
 * row says it was created at, as the engine makes them.
 */
const FILL = `
with numbered as (
  select i, now() - interval '30 days' * (1 - i / $3::int::float8) as at, (hashint4(i) & 2147483647) % 10000 as share,
    (hashint4(i + 7) & 2147483647) as random
  from generate_series($1::int, $2::int - 1) as i
),
shaped as (
  select *,
    case
      when i % greatest($3 / 400, 1) = 7 then 'created'
      when i >= $3 - 8 then 'running'
      when i >= $3 - $3 / 100 then 'queued'
      when random % 100 = 1 then 'failed'
      when random % 100 = 2 then 'cancelled'
      else 'completed'
    end as status,
    case
      when i % greatest($3 / 20, 1) = 3 then 'close-the-year'
      when share < 4000 then 'send-mail'
      when share < 6500 then 'make-thumbnail'
      when share < 8000 then 'transcribe-document'
      when share < 9000 then 'embed-chunks'
      when share < 9500 then 'sync-contact'
      when share < 9800 then 'charge-card'
      when share < 9900 then 'refresh-cache'
      when share < 9960 then 'export-report'
      when share < 9990 then 'archive-mailbox'
      when share < 9999 then 'rotate-keys'
      else 'rebuild-index'
    end as type
  from numbered
)
insert into tasks (id, type, description, params, domain, status, result, error, created_at, updated_at, run_at,
  attempt, started_at, finished_at, last_run_at, unique_key, runner_id, claim_token, thread_id, submitted_by)
select
  (lpad(to_hex((extract(epoch from at) * 1000)::int8), 12, '0') || '7' || lpad(to_hex(i % 4096), 3, '0')
    || '8' || substr(md5(i::text), 1, 15))::uuid,
  type,
  case when random % 5 = 0 then 'order ' || i end,
  jsonb_build_object('customer', random % 100000, 'path', '/in/' || md5(i::text), 'pages', random % 40),
  case when random % 10 = 3 then 'domain-' || random % 1000 end,
  status,
  case when status = 'completed' then '{"ok": true}'::jsonb end,
  case when status in ('failed', 'cancelled') then 'it did not work out: ' || md5(i::text) end,
  at, at + interval '3 seconds', at,
  case when status in ('created', 'queued') then 0 else 1 end,
  case when status not in ('created', 'queued') then at + interval '2 seconds' end,
  case when status in ('completed', 'failed', 'cancelled') then at + interval '3 seconds' end,
  case when status not in ('created', 'queued') then at + interval '2 seconds' end,
  case when random % 20 = 4 then 'key-' || i end,
  case when status not in ('created', 'queued') then '00000000-0000-7000-8000-000000000001'::uuid end,
  case when status not in ('created', 'queued') then i end,
  case when status not in ('created', 'queued') then i % 8 end,
  'api:bench'
from shaped`;
