import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, chown, cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Binaries, findBinaries, packageRoot } from '../../../../src/main/database/embedded/binaries.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

/** A copy of the platform's package as npm unpacks it, before any install script. */
async function unpack(t: TestContext) {
  const folder = await temporaryDirectory();
  const root = join(folder, 'package');
  const libraries = join(root, 'native/lib');
  t.after(async () => {
    await chmod(libraries, 0o755);
    await rm(folder, { recursive: true, force: true });
  });
  const installed = packageRoot(`${process.platform}-${process.arch}`);
  await cp(installed, root, { recursive: true, verbatimSymlinks: true });
  const links = JSON.parse(await readFile(join(root, 'native/pg-symlinks.json'), 'utf8')) as {
    target: string;
  }[];
  for (const { target } of links) await rm(join(root, target), { force: true });
  return { folder, root, libraries, links: links.length };
}

function versionsOf({ postgres, initdb, env }: Binaries): string[] {
  return [postgres, initdb].map((program) =>
    execFileSync(program, ['--version'], { encoding: 'utf8', env }).trim(),
  );
}

const RUNNABLE = ['postgres (PostgreSQL) 18.4', 'initdb (PostgreSQL) 18.4'];

test('library links that no install script made are made, also by several starts at once', async (t) => {
  const { folder, root } = await unpack(t);
  assert.throws(() => execFileSync(join(root, 'native/bin/postgres'), ['--version'], { stdio: 'pipe' }));
  const found = await Promise.all([1, 2, 3, 4].map(() => findBinaries(join(folder, 'lib'), root)));
  for (const binaries of found) {
    assert.deepEqual(versionsOf(binaries), RUNNABLE);
    assert.equal(binaries.env.LD_LIBRARY_PATH, undefined);
  }
});

test('in a read-only installation the links are made in the data directory', async (t) => {
  const { folder, root, libraries, links } = await unpack(t);
  const spare = join(folder, 'data', 'lib');
  await mkdir(dirname(spare));
  await chmod(libraries, 0o555);
  // Twice, as the start after will.
  for (const _ of [1, 2]) {
    const binaries = await asOrdinaryUser(dirname(spare), () => findBinaries(spare, root));
    assert.deepEqual(versionsOf(binaries), RUNNABLE);
  }
  assert.equal((await readdir(spare)).length, links);
});

test('a system for which there is no PostgreSQL gets a clear error', () => {
  assert.throws(() => packageRoot('plan9-mips'), {
    name: 'EmbeddedDatabaseError',
    message: /no embedded PostgreSQL for plan9-mips .* or set DATABASE_URL/,
  });
});

/** Root may write anywhere, so that it becomes somebody else for a while. */
async function asOrdinaryUser<T>(folder: string, work: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return work();
  const nobody = 65_534;
  await chown(folder, nobody, nobody);
  process.seteuid?.(nobody);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}
