import pg from 'pg';
import { documentTools, type Finding } from '../../workers/shared/document-tools.ts';
import type { Config } from '../config.ts';
import { runningEmbedded } from '../database/embedded/start.ts';
import { describe } from '../database/errors.ts';
import { pendingMigrations } from '../migrate/pending.ts';
import { embeddings } from './embeddings.ts';

/** `heddle doctor`: a line for each thing that has to be well. @returns the exit code */
export async function doctorCommand(config: Config): Promise<number> {
  const findings = [
    node(),
    ...(await database(config)),
    ...(await documentTools(config.documents.ocrLanguages)),
    await embeddings(config),
  ];
  for (const { well, what } of findings) console.log(`${MARKS[String(well) as keyof typeof MARKS]}  ${what}`);
  return findings.some(({ well }) => well === false) ? 1 : 0;
}

const MARKS = { true: 'ok     ', warning: 'warning', false: 'FAULT  ' };

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const well = major > 20 || (major === 20 && minor >= 19);
  return { well, what: `Node.js ${process.versions.node}${well ? '' : ': 20.19 or newer is needed'}` };
}

async function database(config: Config): Promise<Finding[]> {
  const url = config.database.listenUrl ?? (await runningEmbedded(config.database.dataDir));
  if (url === undefined) {
    return [
      {
        well: 'warning',
        what: 'database: none is configured, and heddle start, which brings one, does not run',
      },
    ];
  }
  const client = new pg.Client({
    connectionString: url,
    application_name: 'heddle doctor',
    connectionTimeoutMillis: 5000,
  });
  client.on('error', () => {}); // The query that is under way says it.
  try {
    await client.connect();
    return [
      await reachable(client),
      await migrated(client),
      await notifying(client),
      await runner(client),
      await clock(client),
    ];
  } catch (error) {
    return [{ well: false, what: `database: ${describe(error).message}` }];
  } finally {
    await client.end().catch(() => {});
  }
}

async function reachable(client: pg.Client): Promise<Finding> {
  const { rows } = await client.query<{ version: string; name: string }>(
    `select current_setting('server_version') as version, current_database() as name`,
  );
  return { well: true, what: `database: PostgreSQL ${rows[0]?.version}, database ${rows[0]?.name}` };
}

async function migrated(client: pg.Client): Promise<Finding> {
  const pending = await pendingMigrations(client);
  if (pending.length === 0) return { well: true, what: 'migrations: all applied' };
  return {
    well: false,
    what: `migrations: ${pending.length} pending (${pending.join(', ')}); a runner applies them at its start, or: heddle migrate --up`,
  };
}

/** A pooler in transaction mode swallows notifications: tasks then start at the next poll. */
async function notifying(client: pg.Client): Promise<Finding> {
  const heard = new Promise<boolean>((resolve) => {
    client.once('notification', () => resolve(true));
    setTimeout(() => resolve(false), 2000).unref();
  });
  await client.query('listen heddle_doctor');
  await client.query('notify heddle_doctor');
  return (await heard)
    ? { well: true, what: 'notifications: they arrive' }
    : {
        well: 'warning',
        what: 'notifications: none arrives; set LISTEN_DATABASE_URL to a direct connection',
      };
}

async function runner(client: pg.Client): Promise<Finding> {
  if ((await client.query("select to_regclass('runners') as there")).rows[0]?.there === null) {
    return { well: false, what: 'runner: there is no table of runners yet' };
  }
  const { rows } = await client.query<LiveRunner>(LIVE_RUNNERS);
  const [first] = rows;
  if (first === undefined)
    return { well: false, what: 'runner: none is alive; start one with heddle start or heddle runner' };
  const leader =
    first.role === 'leader'
      ? `the leader is process ${first.pid} on ${first.host} with ${first.threads} threads`
      : 'none leads yet';
  return { well: first.role === 'leader' || 'warning', what: `runner: ${rows.length} alive, ${leader}` };
}

interface LiveRunner {
  host: string;
  pid: number;
  role: string;
  threads: number;
}

const LIVE_RUNNERS = `
select host, pid, role, jsonb_array_length(threads) as threads
from runners
where status in ('active', 'draining', 'degraded', 'standby') and last_seen_at > now() - make_interval(secs => lease_seconds)
order by role = 'leader' desc`;

async function clock(client: pg.Client): Promise<Finding> {
  const before = Date.now();
  const { rows } = await client.query<{ now: string }>(
    'select extract(epoch from clock_timestamp()) * 1000 as now',
  );
  const offMs = Math.round(Number(rows[0]?.now) - (before + Date.now()) / 2);
  const well = Math.abs(offMs) < 1000 || 'warning';
  return {
    well,
    what: `clock: the database's is ${offMs} ms ahead of this machine's${well === true ? '' : '; the database decides what is due'}`,
  };
}
