import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isFinished, type TaskRow } from '../../src/main/engine/task.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { waitFor } from '../support/wait-for.ts';

/*
 * Two threads: a neighbour is in one while something misbehaves in the other, and what comes next has to run where it
 * happened.
 */
describe('a misbehaving task', { concurrency: false }, () => {
  let heddle: TestEngine;
  let directory: string;
  before(async () => {
    directory = await temporaryDirectory();
    heddle = await startTestEngine({ threads: 2, maxHeapMb: 64 });
  });
  after(async () => {
    await heddle.stop();
    await rm(directory, { recursive: true, force: true });
  });

  describe('that has to be killed, or dies with its thread, fails alone', () => {
    const cases: { type: string; params?: unknown; error: string; outcome?: string }[] = [
      { type: 'spin', error: 'timed out after 0.5 s', outcome: 'timed_out' },
      { type: 'backtrack', error: 'timed out after 0.5 s', outcome: 'timed_out' },
      ...['strings', 'numbers', 'entries', 'text'].map((what) => ({
        type: 'overflow',
        params: { with: what },
        error: 'ran out of memory (heap limit 64 MB)',
      })),
      { type: 'leave', params: { code: 0 }, error: 'exited with code 0' },
      { type: 'leave', params: { code: 7 }, error: 'exited with code 7' },
      { type: 'break-promise', params: { waitMs: 0 }, error: 'unhandled rejection: nobody waits for me' },
      { type: 'break-promise', params: { waitMs: 300 }, error: 'unhandled rejection: nobody waits for me' },
      { type: 'throw-later', params: { afterMs: 20, waitMs: 300 }, error: 'uncaught: thrown in a timer' },
    ];
    for (const { type, params, error, outcome = 'failed' } of cases) {
      it(`${type} ${JSON.stringify(params ?? {})}: ${error}`, async () => {
        const { bad, next } = await amidNeighbours(type, params);
        assert.equal(bad.status, 'failed');
        assert.equal(bad.error, error);
        assert.equal(bad.attempt, 1);
        assert.deepEqual(
          (await heddle.attempts(bad.id)).map((attempt) => [attempt.outcome, attempt.error?.message]),
          [[outcome, error]],
        );
        assert.notEqual(next.thread_id, bad.thread_id, 'its thread never runs anything again');
      });
    }
  });

  describe('that only returns or throws something odd fails alone, and its thread lives on', () => {
    const cases: { type: string; what: string; error: RegExp | null; result?: unknown }[] = [
      { type: 'return-anything', what: 'nothing', error: null, result: null },
      { type: 'return-anything', what: 'function', error: /^the result is not JSON: it is a function/ },
      {
        type: 'return-anything',
        what: 'nested function',
        error: /^the result is not JSON: '0' is a function/,
      },
      { type: 'return-anything', what: 'bigint', error: /^the result is not JSON: .*BigInt/ },
      { type: 'return-anything', what: 'circle', error: /^the result is not JSON: .*circular/ },
      { type: 'return-anything', what: 'nul', error: null, result: { text: 'a\uFFFDb' } },
      { type: 'return-anything', what: 'surrogate', error: null, result: ['\uFFFD'] },
      { type: 'throw-anything', what: 'string', error: /^just a string$/ },
      { type: 'throw-anything', what: 'circle', error: /I am a circle.*Circular/ },
      { type: 'throw-anything', what: 'nothing', error: /^undefined$/ },
      { type: 'throw-anything', what: 'error', error: /^no$/ },
      { type: 'throw-anything', what: 'permanent', error: /^never again$/ },
    ];
    for (const { type, what, error, result = null } of cases) {
      it(`${type} ${what}`, async () => {
        const { bad } = await amidNeighbours(type, { what });
        assert.equal(bad.status, error === null ? 'completed' : 'failed');
        if (error === null) assert.equal(bad.error, null);
        else assert.match(bad.error ?? '', error);
        assert.deepEqual(bad.result, result);
        const ends = heddle.events.events.filter(
          (event) => /^thread_(died|dirty|killed)$/.test(event.event) && 'thread_id' in event,
        );
        assert.ok(!ends.some((event) => 'thread_id' in event && event.thread_id === bad.thread_id));
      });
    }
  });

  it('keeps name, code, stack and causes of what it threw', async () => {
    const { id } = await heddle.finished(await heddle.submit('throw-anything', { what: 'error' }));
    const [attempt] = await heddle.attempts(id);
    const { stack, cause, ...error } = attempt?.error ?? { stack: '' };
    assert.deepEqual(error, { name: 'Refusal', message: 'no', code: 'E_REFUSED' });
    assert.match(stack ?? '', /throw-anything\.ts:\d+/, 'the stack names the source');
    assert.deepEqual([cause?.message, cause?.cause], ['because', { name: 'string', message: 'of this' }]);
  });

  it('keeps text that PostgreSQL cannot hold with U+FFFD in its place, and says so', async () => {
    const { bad } = await amidNeighbours('say-unstorable');
    assert.equal(bad.error, 'er\uFFFDror \uFFFD');
    assert.deepEqual(bad.progress, { fraction: 0.25, message: 'pro\uFFFDgress' });
    const [attempt] = await heddle.attempts(bad.id);
    assert.equal(attempt?.error?.cause?.message, 'cau\uFFFDse');
    const { rows } = await heddle.pool.query(
      'select level, message, fields from task_logs where task_id = $1 order by id',
      [bad.id],
    );
    assert.deepEqual(rows[0], {
      level: 'info',
      message: 'log\uFFFDline',
      fields: { '\uFFFDkey': ['\uFFFD'] },
    });
    const warnings = rows.slice(1).map(({ message }) => message as string);
    assert.ok(warnings.some((warning) => warning.startsWith('a log line held NUL')));
    assert.ok(warnings.some((warning) => warning.startsWith('a progress message held NUL')));
  });

  for (const explosion of ['throw', 'exit']) {
    it(`leaves a timer that will ${explosion}: its thread is replaced before the next task`, async () => {
      const bomb = { afterMs: 60_000, unref: false, explosion };
      const { bad, next } = await amidNeighbours('time-bomb', bomb);
      assert.deepEqual([bad.status, bad.result], ['completed', 'planted']);
      assert.notEqual(next.thread_id, bad.thread_id);
      const dirty = await heddle.events.next('thread_dirty', ({ thread_id }) => thread_id === bad.thread_id);
      assert.match(dirty.reason, /Timeout/);
    });

    it(`leaves a timer that will ${explosion}, hidden by unref: it goes off in the next task and does not fail it`, async () => {
      const planted = await heddle.submit('time-bomb', { afterMs: 700, unref: true, explosion });
      const bad = await heddle.finished(planted);
      const busy = await heddle.submitAll('wait', [{ ms: 1000 }, { ms: 1000 }]);
      const results = await Promise.all(busy.map((id) => heddle.finished(id)));
      assert.ok(
        results.some(({ thread_id }) => thread_id === bad.thread_id),
        'one of the two ran in the thread with the bomb',
      );
      for (const task of results) assertUnharmed(task);
      const dirty = await heddle.events.next('thread_dirty', ({ thread_id }) => thread_id === bad.thread_id);
      assert.match(dirty.reason, /nobody caught/);
    });

    it(`leaves a timer that will ${explosion}, hidden by unref: it goes off while the thread is idle`, async () => {
      const planted = await heddle.submit('time-bomb', { afterMs: 60, unref: true, explosion });
      await heddle.finished(planted);
      await waitFor('the bomb', () =>
        heddle.logLines.some(({ task_id, level }) => task_id === planted && level === 50),
      );
      const after = await heddle.submitAll('no-op', [{}, {}, {}, {}]);
      for (const id of after) assertUnharmed(await heddle.finished(id));
    });
  }

  it('that makes much garbage and holds little is no overflow', async () => {
    const task = await heddle.finished(await heddle.submit('litter', { ms: 1000 }));
    assert.deepEqual([task.status, task.error], ['completed', null]);
    assert.ok((task.result as number) > 4e6, `only ${task.result} objects: no more than fit`);
  });

  it('is killed on time, and its thread serves again soon after', async () => {
    const filler = await heddle.submit('wait', { ms: 2000 });
    await heddle.reaches(filler, 'running');
    const spin = await heddle.submit('spin');
    await heddle.reaches(spin, 'running');
    const next = await heddle.submit('no-op');
    const [killed, served] = [await heddle.finished(spin), await heddle.finished(next)];
    const ageMs = Number(killed.finished_at) - Number(killed.started_at);
    assert.ok(ageMs >= 495 && ageMs < 1500, `killed at the age of ${ageMs} ms`);
    const idleMs = Number(served.started_at) - Number(killed.started_at) - 500;
    assert.ok(idleMs < 2000, `the thread was away for ${idleMs} ms`);
    assertUnharmed(await heddle.finished(filler));
  });

  let neighbours = 0;

  /** Runs the task in one thread while a neighbour waits in the other, and another task after it. */
  async function amidNeighbours(type: string, params: unknown = {}) {
    const file = join(directory, `${neighbours++}`);
    const neighbour = await heddle.submit('wait-until', { file });
    await heddle.reaches(neighbour, 'running');
    const bad = await heddle.finished(await heddle.submit(type, params));
    const next = await heddle.finished(await heddle.submit('wait', { ms: 1 }));
    assertUnharmed(next);
    await writeFile(file, '');
    const unharmed = await heddle.finished(neighbour);
    assertUnharmed(unharmed);
    assert.notEqual(bad.thread_id, unharmed.thread_id);
    return { bad, next };
  }

  function assertUnharmed(task: TaskRow): void {
    assert.ok(isFinished(task.status));
    assert.deepEqual([task.status, task.error, task.attempt], ['completed', null, 1]);
    assert.equal(task.result, task.type.startsWith('wait') ? 'waited' : null);
  }
});
