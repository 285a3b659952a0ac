import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startTestEngine } from '../support/engine.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('what follows an attempt that takes a while goes to a thread that has become idle', async (t) => {
  const directory = await temporaryDirectory();
  const fifo = join(directory, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const heddle = await startTestEngine({ threads: 2 });
  t.after(async () => {
    await heddle.stop();
    await rm(directory, { recursive: true });
  });
  await heddle.finished(await heddle.submit('wait', { ms: TAKES_A_WHILE_MS })); // So that this is to be expected.
  const other = await heddle.submit('stick', { fifo });
  await heddle.speaks(other);

  const ids = await heddle.submitAll('wait', Array(3).fill({ ms: TAKES_A_WHILE_MS }));
  await heddle.speaks(ids[0] as string);
  await (await open(fifo, 'w')).close(); // The other thread has nothing to do from now on.

  const [first, second] = await Promise.all(ids.map((id) => heddle.finished(id)));
  const { thread_id: otherThread } = await heddle.finished(other);
  assert.notEqual(first?.thread_id, otherThread);
  assert.equal(second?.thread_id, otherThread);
  assert.ok(Number(second?.started_at) < Number(first?.finished_at));
});

const TAKES_A_WHILE_MS = 60;
