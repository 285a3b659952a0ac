import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cancelByHand } from '../../src/main/engine/by-hand.ts';
import { without } from '../support/document-tools.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { FaultBench } from '../support/fault-bench.ts';
import { nameOf, processesWith } from '../support/processes.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { waitFor } from '../support/wait-for.ts';

const skip = existsSync('/proc/self/cmdline') ? undefined : 'this machine has no /proc';

const FOLDER = fileURLToPath(new URL('../fixtures/programs', import.meta.url));

let heddle: TestEngine;
before(async () => {
  heddle = await startTestEngine({ threads: 2, taskFolders: [FOLDER] });
});
after(() => heddle?.stop());

/** Unlike those of other tests, which may run at the same time. */
let last = process.pid * 100;

for (const [ending, error] of [
  ['wait', /^cancelled while it was running$/],
  ['spin', /^cancelled while it was running$/],
  ['exit', /exited with code 3/],
  ['throw', /nobody catches this/],
  ['leave', null],
] as const) {
  test(`programs and what they have started die with an attempt that will ${ending}`, { skip }, async () => {
    const mark = `${last++}.5`;
    const script = `sleep ${mark} & sh -c 'sleep ${mark} & sleep ${mark}'; wait`;
    const id = await heddle.submit('run-program', { script, ending, folder: true });
    await waitFor('the programs', () => processesWith(`sleep ${mark}`).length >= 3);
    if (ending === 'wait' || ending === 'spin') await cancel(id);
    const { status, error: message } = await heddle.finished(id);
    if (error === null) assert.equal(status, 'completed');
    else assert.match(message ?? '', error);
    await waitFor('their end', () => processesWith(`sleep ${mark}`).length === 0);
  });
}

const noOffice = skip ?? without('soffice');

for (const ending of ['spin', 'wait', 'exit']) {
  test(`LibreOffice dies with an attempt that will ${ending}`, { skip: noOffice }, async (t) => {
    const profile = await temporaryDirectory();
    t.after(() => rm(profile, { recursive: true, force: true }));
    const script = `exec soffice --headless --norestore -env:UserInstallation=file://${profile} --accept='pipe,name=${last++}'`;
    const id = await heddle.submit('run-program', { script, ending, startsWith: `${profile}/user` });
    await waitFor('soffice.bin', () => processesWith(profile).some((pid) => nameOf(pid) === 'soffice.bin'));
    if (ending !== 'exit') await cancel(id);
    await heddle.finished(id);
    await waitFor('its end', () => processesWith(profile).length === 0);
  });
}

async function cancel(id: string): Promise<void> {
  await cancelByHand(heddle.pool, [id], 'test');
  heddle.engine.cancel(id);
}

test('the folder of a thread goes with the thread', { skip }, async () => {
  const id = await heddle.submit('run-program', { script: 'true', ending: 'exit', folder: true });
  await heddle.speaks(id);
  const line = heddle.logLines.find(({ task_id, folder }) => task_id === id && folder !== undefined);
  assert.ok(existsSync(line?.folder as string));
  await heddle.finished(id);
  await waitFor('the folder to be gone', () => !existsSync(line?.folder as string));
});

test('a thread that has run programs in its folder is as clean as before', { skip }, async () => {
  const before = heddle.events.of('thread_dirty').length;
  for (let round = 0; round < 3; round += 1) {
    const id = await heddle.submit('run-program', { script: 'echo hello', folder: true });
    const { status, result } = await heddle.finished(id);
    assert.deepEqual([status, result], ['completed', { code: 0, output: 'hello\n' }]);
  }
  assert.equal(heddle.events.of('thread_dirty').length, before);
});

test('kill -9 of the runner leaves no program and no folder', { skip }, async (t) => {
  const bench = await FaultBench.open();
  t.after(() => bench.close());
  const runner = await bench.runner({ TASKS_DIR: FOLDER });
  const mark = `${last++}.5`;
  const script = `sleep ${mark} & sh -c 'sleep ${mark} & sleep ${mark}'; wait`;
  const id = await bench.submit('run-program', { script, ending: 'spin', folder: true });
  await waitFor('the programs', () => processesWith(`sleep ${mark}`).length >= 3);
  const { rows } = await waitFor('its line', async () => {
    const found = await bench.query<{ folder: string }>(FOLDER_OF, [id]);
    return found.rowCount === 1 ? found : null;
  });
  const folder = rows[0]?.folder as string;
  assert.ok(existsSync(folder));
  await bench.kill(runner);
  await waitFor('their end', () => processesWith(`sleep ${mark}`).length === 0);
  await waitFor('the folder to be gone', () => !existsSync(folder));
});

const FOLDER_OF = `
select fields ->> 'folder' as folder from task_logs where task_id = $1 and fields ? 'folder'`;
