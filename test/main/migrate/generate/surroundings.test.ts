import assert from 'node:assert/strict';
import { cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runningEmbedded } from '../../../../src/main/database/embedded/start.ts';
import { packageRoot } from '../../../../src/main/package-root.ts';
import { Heddle } from '../../../support/heddle.ts';
import { projectBench, runNode } from '../../../support/project-bench.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const SCHEMA = "export const a = pg.pgTable('a', { id: pg.integer() });";

async function emptyFolder(t: TestContext): Promise<string> {
  const folder = await temporaryDirectory();
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

test('without a configured server the embedded one is started for the proof and stopped after it', async (t) => {
  const bench = await projectBench(t);
  const dataDir = await emptyFolder(t);
  await bench.schema(SCHEMA);
  const heddle = new Heddle(
    ['migrate', '--generate', 'a', '--dir', 'migrations'],
    { HEDDLE_DATA_DIR: dataDir },
    bench.root,
  );
  assert.equal(await heddle.ended, 0, heddle.stderr);
  assert.match(heddle.stdout, /proved on a scratch database: UP, DOWN .*\ntook \d+\.\d s; next: /s);
  assert.equal((await bench.ids()).length, 1);
  assert.equal(await runningEmbedded(dataDir), undefined);
});

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

test('without drizzle-kit it says what is missing; a pair to write by hand needs nothing', async (t) => {
  const bench = await projectBench(t);
  const root = await installationWithout(t, ['drizzle-kit']);
  const migrate = (...args: string[]) =>
    runNode([join(root, 'dist/src/main/cli.js'), 'migrate', ...args], root, { DATABASE_URL: bench.url });
  for (const args of [['--generate', 'a'], ['--check']]) {
    const { code, stderr } = await migrate(...args);
    assert.equal(code, 2);
    assert.equal(stderr, 'drizzle-kit is not installed: this works in a checkout, after npm ci\n');
  }
  assert.equal((await migrate('--generate', 'a', '--empty')).code, 0);
  assert.equal((await readdir(join(root, 'migrations'))).length, 2);
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
