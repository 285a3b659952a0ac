import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Heddle } from '../../support/heddle.ts';
import { eventually, migrationBench, runMigrate } from '../../support/migration-bench.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const A = '20260101000000_a';

/** The bench's address with some parts changed. */
function changed(
  url: string,
  parts: Partial<Pick<URL, 'username' | 'password' | 'port' | 'pathname'>>,
): string {
  return Object.assign(new URL(url), parts).href;
}

/** A way to the server that opens only after a while, on a port that is known before. */
function door(t: TestContext, url: string, opensInMs?: number): { port: number } {
  const { hostname, port } = new URL(url);
  const server: Server = createServer((socket) => {
    const beyond = connect(Number(port || 5432), hostname);
    socket.pipe(beyond).pipe(socket);
    for (const end of [socket, beyond]) end.on('error', () => end.destroy());
  });
  const closed = closedPort();
  const timer = opensInMs && setTimeout(() => server.listen(closed, '127.0.0.1'), opensInMs);
  t.after(() => {
    clearTimeout(timer);
    server.close();
  });
  return { port: closed };
}

/** Below the ports that systems give away by themselves: no other test's server comes to listen on it meanwhile. */
function closedPort(): number {
  return randomInt(10_000, 30_000);
}

/** The bench's address in a role that every server has and that may do little. */
function inRole(url: string, role: string): string {
  const changed = new URL(url);
  changed.searchParams.set('options', `-c role=${role}`);
  return changed.href;
}

test('a database that comes up a little later is waited for', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'create table a ();', 'drop table a;');
  const { port } = door(t, bench.url, 1500);
  const url = changed(bench.url, { port: String(port) });
  const { code, stdout, stderr } = await runMigrate(url, '--up', '--dir', bench.directory);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^waiting: the database is not up: connect ECONNREFUSED/);
  assert.match(stdout, new RegExp(`^applied ${A}`));
});

test('a database that does not come up is given up on in time', async (t) => {
  const bench = await migrationBench(t);
  const { port } = door(t, bench.url);
  const url = changed(bench.url, { port: String(port), password: 'very-secret' });
  const { code, stderr } = await runMigrate(url, '--status', '--wait', '0.5', '--dir', bench.directory);
  assert.equal(code, 5);
  assert.match(stderr, /cannot be reached as .*ECONNREFUSED/);
  assert.doesNotMatch(stderr, /very-secret/);
});

test('a wrong password and a wrong database fail at once, and no password is printed', async (t) => {
  const bench = await migrationBench(t);
  const wrong = [
    changed(bench.url, { password: 'very-secret' }),
    changed(bench.url, { pathname: '/heddle_there_is_no_such_database' }),
  ];
  for (const url of wrong) {
    const started = performance.now();
    const { code, stdout, stderr } = await runMigrate(url, '--up', '--dir', bench.directory);
    assert.equal(code, 5, stderr);
    assert.ok(performance.now() - started < 10_000, 'it was waited for');
    assert.ok(!`${stdout}${stderr}`.includes(new URL(url).password), 'the password was printed');
  }
});

test('an address with a mistake in it is refused without its password being printed', async (t) => {
  const directory = await temporaryDirectory();
  t.after(() => rm(directory, { recursive: true }));
  for (const address of [
    'postgresql://heddle:very-secret@127.0.0.1:99999/heddle',
    'postgresql://heddle:very-secret@[::1/heddle',
    'mysql://heddle:very-secret@127.0.0.1/heddle',
    'host=127.0.0.1 password=very-secret',
    'postgresql://heddle:very%zzsecret-very-secret@127.0.0.1:1/heddle',
    'postgresql://heddle:very-secret@127.0.0.1:1/heddle?sslmode=require&sslcert=/nowhere/at/all',
  ]) {
    const heddle = new Heddle(['migrate', '--up', '--wait', '0.2'], { DATABASE_URL: address }, directory);
    assert.notEqual(await heddle.ended, 0, address);
    assert.match(heddle.stderr, /DATABASE_URL|the database/, address);
    assert.doesNotMatch(`${heddle.stdout}${heddle.stderr}`, /very-secret/, address);
  }
});

test('a lock that is not free in time is an error that names its holder', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, "select pg_sleep(60) where to_regclass('a') is null;", 'select 1;');
  const child = bench.start('--up');
  const holder = `select pid from pg_locks
    where locktype = 'advisory' and granted
      and database = (select oid from pg_database where datname = current_database())`;
  await eventually('the lock is taken', async () => (await bench.values(holder)).length === 1);
  const [pid] = await bench.values(holder);
  const { code, stderr } = await bench.migrate('--up', '--lock-timeout', '0.5');
  assert.equal(code, 4);
  assert.match(
    stderr,
    new RegExp(
      `is held by pid ${String(pid)} \\(heddle-migrate\\); wait for it, or longer with --lock-timeout\n$`,
    ),
  );
  child.kill('SIGKILL');
  await once(child, 'exit');
});

test('a role that may only read can ask for the status, and is told plainly what it may not', async (t) => {
  const bench = await migrationBench(t);
  await bench.pool.query('revoke create on schema public from public');
  await bench.pair(A, 'create table a ();', 'drop table a;');
  const reader = inRole(bench.url, 'pg_read_all_data');
  const refused = await runMigrate(reader, '--up', '--dir', bench.directory);
  assert.equal(refused.code, 1);
  assert.equal(
    refused.stderr,
    'the table ai_migrations cannot be made: permission denied for schema public (42501)\n',
  );
  await bench.migrate('--up');
  assert.equal((await runMigrate(reader, '--status', '--exit-code', '--dir', bench.directory)).code, 0);
  const stranger = await runMigrate(inRole(bench.url, 'pg_monitor'), '--status', '--dir', bench.directory);
  assert.deepEqual(
    [stranger.code, stranger.stderr],
    [1, 'permission denied for table ai_migrations (42501)\n'],
  );
});

test('a connection that is cut in the middle of a file is an error of the database, and nothing is left', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'create table a (); select pg_sleep(60);', 'drop table a;');
  const running = bench.migrate('--up');
  const sleeping =
    "select pid from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()";
  await eventually('the file sleeps', async () => (await bench.values(sleeping)).length === 1);
  await bench.values(`select pg_terminate_backend(pid) from (${sleeping}) sleepers`);
  const { code, stderr } = await running;
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`^${A}_UP.sql:1: .*\\(57P01\\) in: select pg_sleep`));
  assert.deepEqual(await bench.values("select to_regclass('a')"), [null]);
});

test('when the table of the ledger is lost, every migration counts as pending', async (t) => {
  const bench = await migrationBench(t);
  await bench.pair(A, 'create table a ();', 'drop table a;');
  await bench.migrate('--up');
  await bench.pool.query('drop table ai_migrations');
  const { code, stderr } = await bench.migrate('--up');
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`^${A}_UP.sql:1: relation "a" already exists \\(42P07\\)`));
});
