import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/main/package-root.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const CASES: [file: string, text: string, told: RegExp][] = [
  ['src/workers/a.ts', `import { b } from '../main/b.ts';`, /src\/workers\/a\.ts imports src\/main\/b\.ts/],
  ['src/tasks/a.ts', `import {\n  b,\n} from '../main/b.ts';`, /src\/tasks\/a\.ts imports src\/main\/b\.ts/],
  [
    'src/workers/a.ts',
    `import type { B } from '../main/b.ts';`,
    /src\/workers\/a\.ts imports src\/main\/b\.ts/,
  ],
  [
    'src/tasks/a.ts',
    `import { Thread } from '../workers/thread.ts';`,
    /a task knows what it may import by heddle\/define/,
  ],
  [
    'src/main/a.ts',
    `const kit = await import('drizzle-kit/cli');`,
    /one file knows the interface of drizzle-kit/,
  ],
  ['src/main/engine/a.ts', `export { Hono } from 'hono';`, /the engine knows no HTTP/],
  ['src/main/engine/a.ts', `import '../leader/elect.ts';`, /never the other way/],
  ['src/client/a.ts', `import { randomUUID } from 'node:crypto';`, /the client runs anywhere/],
  ['src/client/a.ts', `import type { z } from 'zod';`, /the client runs anywhere/],
  ['src/main/a.ts', `import { a } from './a.ts';`, /circle: src\/main\/a\.ts → src\/main\/a\.ts/],
];

for (const [file, text, told] of CASES) {
  test(`the import check tells of ${file} with ${JSON.stringify(text)}`, async () => {
    const { status, stderr } = await check(file, text);
    assert.match(stderr, told);
    assert.equal(status, 1);
  });
}

test('the import check lets pass what a floor may know', async () => {
  const main = `import type payload from '../tasks/a.ts';\nimport { Control } from '../workers/protocol.ts';`;
  assert.equal((await check('src/main/a.ts', main)).status, 0);
  assert.equal((await check('src/client/a.ts', `import { b } from './b.ts';`)).status, 0);
  const task = `import { defineDatabaseTask } from '../workers/define-task.ts';`;
  assert.equal((await check('src/tasks/a.ts', task)).status, 0);
});

async function check(file: string, text: string): Promise<{ status: number | null; stderr: string }> {
  const root = await temporaryDirectory();
  try {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
    const script = join(packageRoot, 'scripts/check-imports.mjs');
    return spawnSync(process.execPath, [script, root], { encoding: 'utf8' });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
