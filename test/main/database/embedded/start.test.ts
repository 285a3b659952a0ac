import assert from 'node:assert/strict';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../../../../src/main/database/embedded/free-port.ts';
import { startEmbedded } from '../../../../src/main/database/embedded/start.ts';
import { captureEvents } from '../../../support/capture-events.ts';
import { query, setup } from './setup.ts';

test('the first start makes a database, the second finds what was committed', async (t) => {
  const { dataDir } = await setup(t);
  const { observe, of } = captureEvents();
  const first = await startEmbedded({ dataDir, observe });
  assert.equal(first.cold, true);
  await query(first.url, 'create table kept as select 42 as answer');
  await first.stop();
  await assert.rejects(query(first.url, 'select 1'), { code: 'ECONNREFUSED' });

  const second = await startEmbedded({ dataDir, observe });
  assert.equal(second.cold, false);
  assert.deepEqual(await query(second.url, 'select answer from kept'), [{ answer: 42 }]);
  await second.stop();
  assert.deepEqual(
    of('embedded_database_started').map(({ cold, adopted, data_dir }) => ({ cold, adopted, data_dir })),
    [
      { cold: true, adopted: false, data_dir: dataDir },
      { cold: false, adopted: false, data_dir: dataDir },
    ],
  );
});

test('text is Unicode, and the same everywhere', async (t) => {
  const { start } = await setup(t);
  const server = await start();
  const [text] = await query(
    server.url,
    `select current_setting('server_encoding') as encoding, lower('ÜBER КИЇВ') as lower,
       'ß' ~ '^[[:alpha:]]$' as letter, (select string_agg(x, '' order by x) from unnest('{b,ä,a,B}'::text[]) x) as ordered`,
  );
  assert.deepEqual(text, { encoding: 'UTF8', lower: 'über київ', letter: true, ordered: 'Babä' });
  await server.stop();
});

test('commits are durable, and queries of dead clients end', async (t) => {
  const { start } = await setup(t);
  const server = await start();
  const names = [
    'fsync',
    'synchronous_commit',
    'full_page_writes',
    'client_connection_check_interval',
    'max_connections',
  ];
  const settings = await query(
    server.url,
    `select name, setting from pg_settings where name in (${names.map((name) => `'${name}'`).join()}) order by name`,
  );
  assert.deepEqual(Object.fromEntries(settings.map(({ name, setting }) => [name, setting])), {
    client_connection_check_interval: '500',
    fsync: 'on',
    full_page_writes: 'on',
    max_connections: '200',
    synchronous_commit: 'on',
  });
  await server.stop();
});

test('only who can read the password file gets in', async (t) => {
  const { start, cluster } = await setup(t);
  const server = await start();
  const stranger = new URL(server.url);
  stranger.password = 'guess';
  await assert.rejects(query(stranger.href, 'select 1'), { code: '28P01' });
  assert.equal((await stat(join(cluster, 'heddle.password'))).mode & 0o777, 0o600);
  assert.deepEqual(await query(server.url, 'show listen_addresses'), [{ listen_addresses: '127.0.0.1' }]);
  await server.stop();
});

test('a port that is taken between choosing and listening costs another try', async (t) => {
  const { dataDir } = await setup(t);
  const squatter = createServer().listen(0, '127.0.0.1');
  t.after(() => squatter.close());
  await once(squatter, 'listening');
  const taken = (squatter.address() as AddressInfo).port;
  const choices = [taken, await freePort()];
  const server = await startEmbedded({
    dataDir,
    observe: () => {},
    choosePort: async () => choices.shift() ?? freePort(),
  });
  assert.notEqual(server.port, taken);
  assert.deepEqual(await query(server.url, 'select 1 as one'), [{ one: 1 }]);
  await server.stop();
});

test('a Ctrl-C on the terminal does not reach the database', async (t) => {
  const { spawnOwner } = await setup(t);
  const owner = spawnOwner();
  const { url } = await owner.server;
  // What a terminal does: the signal goes to all of the foreground process group. The owner ignores it.
  process.kill(-(owner.child.pid as number), 'SIGINT');
  assert.deepEqual(await query(url, 'select 1 as one'), [{ one: 1 }]);
  owner.child.stdin.end();
  assert.deepEqual(await once(owner.child, 'exit'), [0, null]);
});

test('it neither keeps its owner running nor prints anything', async (t) => {
  const { spawnOwner, start } = await setup(t);
  const owner = spawnOwner('leave');
  const left = await owner.server;
  if (owner.child.exitCode === null) await once(owner.child, 'exit');
  assert.equal(owner.child.exitCode, 0);
  assert.equal(await owner.errors, '');
  const adopter = await start();
  assert.equal(adopter.pid, left.pid);
  await adopter.stop();
});

test('stopping twice is stopping once', async (t) => {
  const { start } = await setup(t);
  const server = await start();
  await Promise.all([server.stop(), server.stop()]);
  await server.stop();
});
