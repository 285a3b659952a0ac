import assert from 'node:assert/strict';
import { chmod, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { startTestEngine } from '../support/engine.ts';
import { databaseTask, taskFolder } from '../support/task-folder.ts';

const GREETING = `import { z } from 'zod';
import { defineDatabaseTask, PermanentError } from 'heddle/define';
import { greet } from './lib/greet.js';
export default defineDatabaseTask({
  payload: z.object({ name: z.string() }),
  run({ payload }) {
    if (payload.name === '') throw new PermanentError('nobody to greet');
    return greet(payload.name);
  },
});`;
const ANY = '{ safeParseAsync: async (data) => ({ success: true, data }) }';
const PROGRAM = `import { defineDatabaseTask } from 'heddle/define';
import { runProgram } from 'heddle/program';
export default defineDatabaseTask({
  payload: ${ANY},
  run: async ({ signal }) => {
    const { output } = await runProgram('echo', ['$HOME', 'as it is'], { signal, timeoutSeconds: 10 });
    return output.toString();
  },
});`;
const HELPER = `export const greet = (name) => 'hello ' + name;`;

describe('a folder of tasks outside of the project', { concurrency: true }, () => {
  it('imports heddle/define and the engine’s packages by name, and its own helpers', async (t) => {
    const folder = await taskFolder(t, { 'greet-them.js': GREETING, 'lib/greet.js': HELPER });
    await assertGreets(t, folder);
  });

  it('may be read-only', async (t) => {
    const folder = await taskFolder(t, { 'greet-them.js': GREETING, 'lib/greet.js': HELPER });
    await chmod(folder, 0o555);
    await assertGreets(t, folder);
  });

  it('may be a symbolic link', async (t) => {
    const folder = await taskFolder(t, { 'greet-them.js': GREETING, 'lib/greet.js': HELPER });
    const elsewhere = await taskFolder(t, {});
    await symlink(folder, join(elsewhere, 'tasks'));
    await assertGreets(t, join(elsewhere, 'tasks'));
  });

  it('runs other programs by heddle/program; and has its own packages first', async (t) => {
    const folder = await taskFolder(t, {
      'whose.js': `import { z } from 'zod';
        import { mine } from 'only-mine';
        import { defineDatabaseTask } from 'heddle/define';
        export default defineDatabaseTask({
          payload: ${ANY},
          run: () => [z, mine],
        });`,
      'ask-shell.js': PROGRAM,
      'node_modules/zod/package.json': '{"name":"zod","type":"module","exports":"./index.js"}',
      'node_modules/zod/index.js': `export const z = 'a zod of its own';`,
      'node_modules/only-mine/package.json': '{"name":"only-mine","main":"index.js"}',
      'node_modules/only-mine/index.js': `exports.mine = 'CommonJS';`,
    });
    const heddle = await startTestEngine({ threads: 1, taskFolders: [folder] });
    t.after(() => heddle.stop());
    const task = await heddle.finished(await heddle.submit('whose'));
    assert.deepEqual([task.error, task.result], [null, ['a zod of its own', 'CommonJS']]);
    const asked = await heddle.finished(await heddle.submit('ask-shell'));
    assert.deepEqual([asked.error, asked.result], [null, '$HOME as it is\n']);
  });

  it('may bring another copy of heddle: its errors mean the same', async (t) => {
    const folder = await taskFolder(t, {
      'other-copy.js': `import { z } from 'zod';
        const brand = Symbol.for('heddle');
        class PermanentError extends Error { name = 'PermanentError'; [brand] = 'PermanentError'; }
        export default {
          [brand]: 'database',
          payload: z.object({}),
          run() { throw new PermanentError('of another copy'); },
        };`,
      'plain.js': databaseTask(),
    });
    const heddle = await startTestEngine({ threads: 1, taskFolders: [folder] });
    t.after(() => heddle.stop());
    const id = await heddle.submit('other-copy');
    const task = await heddle.finished(id);
    assert.deepEqual([task.status, task.error, task.attempt], ['failed', 'of another copy', 1]);
    assert.equal((await heddle.attempts(id))[0]?.outcome, 'invalid');
  });
});

async function assertGreets(t: TestContext, folder: string): Promise<void> {
  const heddle = await startTestEngine({ threads: 1, taskFolders: [folder] });
  t.after(() => heddle.stop());
  const [greeted, refused] = await heddle.submitAll('greet-them', [{ name: 'you' }, { name: '' }]);
  assert.equal((await heddle.finished(greeted as string)).result, 'hello you');
  assert.equal((await heddle.finished(refused as string)).error, 'nobody to greet');
}
