import { execFileSync } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TaskRow } from '../../src/main/engine/task.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { waitFor } from '../support/wait-for.ts';

describe('what follows an attempt that takes a while', () => {
  let heddle: TestEngine;
  let directory: string;
  before(async () => {
    directory = await temporaryDirectory();
    heddle = await startTestEngine({ threads: 2 });
  });
  after(async () => {
    await heddle.stop();
    await rm(directory, { recursive: true });
  });

  it('goes to a thread that has become idle', async () => {
    await heddle.finished(await heddle.submit('wait', { ms: TAKES_A_WHILE_MS })); // So that this is to be expected.
    // Not where the machine is so slow that the first has ended before the idle thread is heard of.
    await waitFor('an idle thread to get it before that attempt has ended', async () => {
      const { other, first, second } = await tryIt();
      return (
        first.thread_id !== other.thread_id &&
        second.thread_id === other.thread_id &&
        Number(second.started_at) < Number(first.finished_at)
      );
    });
  });

  let fifos = 0;

  /** Three attempts that are sent to one thread, while the other one has something to do until the first has begun. */
  async function tryIt(): Promise<{ other: TaskRow; first: TaskRow; second: TaskRow }> {
    const fifo = join(directory, `${fifos++}`);
    execFileSync('mkfifo', [fifo]);
    const stuck = await heddle.submit('stick', { fifo });
    await heddle.speaks(stuck);
    const ids = await heddle.submitAll('wait', Array(3).fill({ ms: TAKES_A_WHILE_MS }));
    await heddle.speaks(ids[0] as string);
    await (await open(fifo, 'w')).close();
    const [first, second] = (await Promise.all(ids.map((id) => heddle.finished(id)))) as [TaskRow, TaskRow];
    return { other: await heddle.finished(stuck), first, second };
  }
});

const TAKES_A_WHILE_MS = 80;
