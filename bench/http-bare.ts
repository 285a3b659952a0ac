import { Hono } from 'hono';
import { connect } from '../src/main/database/connect.ts';
import { listen } from '../src/main/http/serving/server.ts';

/*
 * A process with two routes to compare with, behind the same server as the API's: one parses the body and nothing
 * else; one inserts what it says by a plain statement of its own.
 */

const INSERT = `
insert into tasks (type, params, description, priority, status) values ($1, $2, $3, $4, 'queued')
returning id, type, params, description, priority, status, created_at, run_at, max_retries`;

const [databaseUrl = ''] = process.argv.slice(2);
const database = connect(databaseUrl, 'bench', () => {});
const app = new Hono()
  .post('/parse', async (c) => {
    await c.req.json();
    return c.json({ ok: true }, 201);
  })
  .post('/insert', async (c) => {
    const { type, params, description, priority } = await c.req.json();
    const values = [type, params, description, priority];
    const { rows } = await database.query({ name: 'insert', text: INSERT, values });
    return c.json(rows[0], 201);
  });
const { url } = await listen(app, {
  host: '127.0.0.1',
  port: 0,
  maxConnections: 1000,
  onlyLoopback: true,
  observe: () => {},
});
process.send?.(url);
