import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const KEY = 'hush-hush "quoted"';
const PIN = 87_654_321;
const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('what an attempt says', { concurrency: false }, () => {
  let folder: string;
  let heddle: TestEngine;
  before(async () => {
    folder = await temporaryDirectory();
    await writeFile(`${folder}/blurt.js`, BLURT);
    heddle = await startTestEngine({ threads: 1, taskFolders: [folder] });
  });
  after(async () => {
    await heddle.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('has no secret params in it, neither in log lines nor in errors nor in progress', async () => {
    const id = await heddle.submit('blurt', { key: KEY, pins: [PIN], how: 'throw' }, { max_retries: 0 });
    const task = await heddle.finished(id);
    assert.equal(task.error, 'no entry with [secret]');
    const [attempt] = await heddle.attempts(id);
    assert.match(attempt?.error?.stack ?? '', /no entry with \[secret\]/);
    assert.equal(attempt?.error?.cause?.message, 'pin [secret]');
    assert.equal(task.progress?.message, 'trying [secret]');
    const [line] = heddle.logLines.filter(({ task_id }) => task_id === id);
    assert.deepEqual(line?.payload, { key: '[secret]', pins: ['[secret]'], how: 'throw' });
    assert.equal(line?.url, 'https://me:[secret]@example.org');
    const { rows } = await heddle.pool.query(
      'select message, fields::text from task_logs where task_id = $1',
      [id],
    );
    assert.equal(rows[0].message, 'with [secret]');
    assert.doesNotMatch(rows[0].fields, /hush|87654321/);
  });

  it('has none of it in what nobody caught either', async () => {
    const id = await heddle.submit('blurt', { key: KEY, pins: [], how: 'reject' }, { max_retries: 0 });
    assert.equal((await heddle.finished(id)).error, 'unhandled rejection: no entry with [secret]');
    const { reason, task_id } = await heddle.events.next('thread_dirty');
    assert.deepEqual([reason, task_id], ['an error that nobody caught (no entry with [secret])', id]);
  });

  it('belongs to the trace of its submission, as do its follow-ups, without an SDK', async () => {
    const params = { type: 'blurt', params: { key: KEY, pins: [], how: 'return' } };
    const id = await heddle.submit('submit-child', params, { traceparent: PARENT });
    const { result } = await heddle.finished(id);
    const child = await heddle.finished((result as { id: string }).id);
    assert.equal(child.traceparent, PARENT);
    const [line] = heddle.logLines.filter(({ task_id }) => task_id === child.id);
    assert.equal(line?.trace_id, PARENT.slice(3, 35));
  });
});

const BLURT = `
import { z } from 'zod';
import { defineDatabaseTask } from 'heddle/define';
export default defineDatabaseTask({
  payload: z.object({
    key: z.string().meta({ secret: true }),
    pins: z.array(z.number()).meta({ secret: true }),
    how: z.string(),
  }),
  async run({ payload, log, progress }) {
    log.info({ payload, url: 'https://me:pass@example.org' }, \`with \${payload.key}\`);
    await progress(0.5, \`trying \${payload.key}\`);
    if (payload.how === 'return') return;
    const error = new Error(\`no entry with \${payload.key}\`, { cause: new Error(\`pin \${payload.pins[0]}\`) });
    if (payload.how === 'throw') throw error;
    Promise.reject(error);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  },
});
`;
