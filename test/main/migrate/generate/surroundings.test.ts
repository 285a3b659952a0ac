import assert from 'node:assert/strict';
import { cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import pg from 'pg';
import { runningEmbedded } from '../../../../src/main/database/embedded/start.ts';
import { packageRoot } from '../../../../src/main/package-root.ts';
import { Heddle } from '../../../support/heddle.ts';
import { projectBench, runNode } from '../../../support/project-bench.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { waitFor } from '../../../support/wait-for.ts';

const SCHEMA = "export const a = pg.pgTable('a', { id: pg.integer() });";

async function emptyFolder(t: TestContext): Promise<string> {
  const folder = await temporaryDirectory();
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

test('without a configured server the embedded one is started, and stopped afterwards, also on a signal', async (t) => {
  const bench = await projectBench(t);
  const dataDir = await emptyFolder(t);
  await bench.schema(SCHEMA);
  const migrate = (...args: string[]) =>
    new Heddle(['migrate', ...args, '--dir', 'migrations'], { HEDDLE_DATA_DIR: dataDir }, bench.root);
  const heddle = migrate('--generate', 'a');
  assert.equal(await heddle.ended, 0, heddle.stderr);
  assert.match(heddle.stdout, /proved on a scratch database: UP, DOWN .*\ntook \d+\.\d s; next: /s);
  const [id] = await bench.ids();
  assert.equal(await runningEmbedded(dataDir), undefined);

  await bench.write(`migrations/${id}_UP.sql`, 'create table a (); select pg_sleep(600);');
  const slow = migrate('--up');
  await waitFor('the file to sleep', async () => sleepers(await runningEmbedded(dataDir)), 30_000);
  slow.child.kill('SIGTERM');
  assert.equal(await slow.ended, 143);
  assert.equal(slow.stderr, 'stopped by SIGTERM: heddle migrate --status says what is applied\n');
  assert.equal(await runningEmbedded(dataDir), undefined);
  const status = migrate('--status', '--json');
  assert.equal(await status.ended, 0, status.stderr);
  assert.deepEqual(JSON.parse(status.stdout), { items: [{ id, state: 'pending', applied_at: null }] });
});

async function sleepers(url: string | undefined): Promise<boolean> {
  if (url === undefined) return false;
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rowCount } = await client.query("select from pg_stat_activity where wait_event = 'PgSleep'");
  await client.end();
  return rowCount === 1;
}

test('the embedded server of a running heddle start is used, and left as it was', async (t) => {
  const bench = await projectBench(t);
  const env = { HEDDLE_DATA_DIR: await emptyFolder(t), PORT: '0', THREADS: '1' };
  const running = new Heddle(['start'], env, bench.root);
  const api = await running.ready();
  await bench.schema(SCHEMA);
  const heddle = new Heddle(['migrate', '--generate', 'a', '--dir', 'migrations'], env, bench.root);
  assert.equal(await heddle.ended, 0, heddle.stderr);
  assert.equal((await bench.ids()).length, 1);
  assert.equal((await fetch(`${api}/health`)).status, 200);
  assert.equal(await running.stop(), 0);
});

/** Heddle with its dependencies but for some, as an image for production or another system has it. */
async function installationWithout(t: TestContext, missing: readonly string[]): Promise<string> {
  const root = await emptyFolder(t);
  await cp(join(packageRoot, 'dist/src'), join(root, 'dist/src'), { recursive: true });
  await cp(join(packageRoot, 'package.json'), join(root, 'package.json'));
  await cp(join(packageRoot, 'drizzle.config.ts'), join(root, 'drizzle.config.ts'));
  for (const folder of ['node_modules', 'migrations', 'drizzle/schema'])
    await mkdir(join(root, folder), { recursive: true });
  for (const name of await readdir(join(packageRoot, 'node_modules'))) {
    if (!missing.includes(name))
      await symlink(join(packageRoot, 'node_modules', name), join(root, 'node_modules', name));
  }
  await writeFile(
    join(root, 'drizzle/schema/a.ts'),
    "import { integer, pgTable } from 'drizzle-orm/pg-core'; export const a = pgTable('a', { id: integer() });",
  );
  return root;
}

test('without what only a checkout has, pairs are applied, undone and begun by hand, and the rest says what is missing', async (t) => {
  const bench = await projectBench(t);
  const root = await installationWithout(t, ['drizzle-kit', 'squawk-cli', '@squawk-cli', 'typescript']);
  const migrate = (...args: string[]) =>
    runNode([join(root, 'dist/src/main/cli.js'), 'migrate', ...args], root, { DATABASE_URL: bench.url });
  for (const args of [['--generate', 'a'], ['--check']]) {
    const { code, stderr } = await migrate(...args);
    assert.equal(code, 2);
    assert.equal(stderr, 'drizzle-kit is not installed: this works in a checkout, after npm ci\n');
  }
  assert.equal((await migrate('--generate', 'a', '--empty')).code, 0);
  const [down = '', up = '', ...more] = await readdir(join(root, 'migrations'));
  assert.deepEqual(more, []);
  await rm(join(root, 'drizzle'), { recursive: true });
  await writeFile(join(root, 'migrations', up), 'create table a ();');
  await writeFile(join(root, 'migrations', down), 'drop table a;');
  for (const [args, told] of [
    [['--up'], /^applied \d+_a /],
    [['--status'], /^1 applied$/m],
    [['--rollback'], /^rolled back \d+_a /],
  ] as const)
    assert.match((await migrate(...args)).stdout, told);
});

test('without the linter a pair is made all the same, and one line says so', async (t) => {
  const bench = await projectBench(t);
  const root = await installationWithout(t, ['squawk-cli', '@squawk-cli']);
  const { code, stderr } = await runNode(
    [join(root, 'dist/src/main/cli.js'), 'migrate', '--generate', 'a'],
    root,
    {
      DATABASE_URL: bench.url,
    },
  );
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^note: squawk-cli is not installed for this system, .*\n$/);
  assert.equal((await readdir(join(root, 'migrations'))).length, 2);
});
