import { cpus, loadavg, totalmem } from 'node:os';
import pg from 'pg';

/** What the figures depend on, in one line. */
export async function describeMachine(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ server_version: string }>('show server_version');
  await client.end();
  const cores = cpus();
  return [
    `${cores.length} cores (${cores[0]?.model ?? 'unknown'})`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `load ${loadavg()[0]?.toFixed(1)} before`,
    `Node ${process.versions.node}`,
    `PostgreSQL ${rows[0]?.server_version}, embedded, default durability`,
  ].join(', ');
}
