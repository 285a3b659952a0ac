import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { PEERS, peersNamed } from '../../bench/systems/contenders.ts';
import { packageRoot } from '../../src/main/package-root.ts';

test('peers are chosen by the beginnings of their names, in their own order', () => {
  const names = (beginnings: string[]) => peersNamed(beginnings).map(({ name }) => name);
  assert.deepEqual(names(['bullmq-s', 'graphile']), [
    'graphile-worker-0.17',
    'graphile-worker-0.18',
    'bullmq-sandboxed',
  ]);
  assert.deepEqual(names([]), []);
  assert.throws(() => peersNamed(['rabbit']), /there is no peer rabbit; there are graphile-worker-0.17, /);
});

test('every peer has an adapter, and is called by the version that is installed', async () => {
  const manifest = await readFile(join(packageRoot, 'bench', 'peers', 'package.json'), 'utf8');
  const { dependencies } = JSON.parse(manifest) as { dependencies: Record<string, string> };
  const versions = Object.values(dependencies).map((version) => version.replace(/^npm:.*@/, ''));
  for (const { title, adapter } of PEERS) {
    assert.ok(existsSync(adapter), `${adapter} is there`);
    const version = /\d+\.\d+\.\d+/.exec(title)?.[0] ?? '';
    assert.ok(versions.includes(version), `${title} is one of ${versions.join(', ')}`);
  }
});
