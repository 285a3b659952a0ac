import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { publishDocumentTypes } from '../../../support/document-types.ts';
import { putInto } from '../../../support/task-states.ts';
import { type Answer, startTestApi, type TestApi } from '../../../support/test-api.ts';
import { waitFor } from '../../../support/wait-for.ts';

const TOKENS = 'ada:admin:ada-token,bob:operator:bob-token';

let api: TestApi;
before(async () => {
  api = await startTestApi({ env: { API_TOKENS: TOKENS } });
  await publishDocumentTypes(api.database);
});
beforeEach(() => api.database.query('truncate tasks, idempotency_keys, documents cascade'));
after(() => api?.stop());

const TASK = { type: 'anything', params: { a: 1, b: { c: [1, 2], d: 'x' } } };

function headers(key: string, more: Record<string, string> = {}): Record<string, string> {
  return { authorization: 'Bearer ada-token', 'idempotency-key': key, ...more };
}

function post(key: string, body: unknown = TASK, more?: Record<string, string>, path = 'tasks') {
  return api.call('POST', `/api/v1/${path}`, body, headers(key, more));
}

function upload(key: string, text: string, name = 'a.pdf'): Promise<Answer> {
  const form = new FormData();
  form.append('file', new Blob([`%PDF-1.4 ${text}`]), name);
  return api.send('/api/v1/documents', { method: 'POST', body: form, headers: headers(key) });
}

async function count(table: string): Promise<number> {
  const { rows } = await api.database.query<{ count: number }>(`select count(*)::int as count from ${table}`);
  return rows[0]?.count ?? -1;
}

function assertReplayed(first: Answer, repeat: Answer): void {
  assert.equal(first.headers.get('idempotent-replayed'), null);
  assert.equal(repeat.headers.get('idempotent-replayed'), 'true');
  assert.deepEqual(
    [repeat.status, repeat.text, repeat.headers.get('location'), repeat.headers.get('content-type')],
    [first.status, first.text, first.headers.get('location'), first.headers.get('content-type')],
  );
}

function problem({ status, json }: Answer): string {
  return `${status} ${json.type}`;
}

describe('a request with an Idempotency-Key that is repeated', () => {
  it('gets the first answer again, byte for byte, whatever became of the task', async () => {
    const first = await post('k');
    assert.equal(first.status, 201);
    await putInto(api.database, first.json.id, 'completed');
    assertReplayed(first, await post('k'));
    assert.equal(await count('tasks'), 1);
  });

  it('with its keys in another order is the same request', async () => {
    const first = await post('k');
    const reordered = { params: { b: { d: 'x', c: [1, 2] }, a: 1 }, type: 'anything' };
    assertReplayed(first, await post('k', reordered));
  });

  it('with another body is refused', async () => {
    await post('k');
    for (const body of [
      { type: 'anything' },
      { ...TASK, priority: 1 },
      { ...TASK, params: { ...TASK.params, b: { c: [2, 1], d: 'x' } } },
    ]) {
      assert.equal(problem(await post('k', body)), '422 /problems/idempotency-key-reused');
    }
    assert.equal(await count('tasks'), 1);
  });

  it('also gets a 200 again', async () => {
    const once = { type: 'once', params: { n: 1 } };
    await post('first', once);
    const second = await post('second', once);
    assert.deepEqual([second.status, second.json.deduplicated], [200, true]);
    assertReplayed(second, await post('second', once));
    assert.equal(
      (await api.call('GET', second.headers.get('location') ?? '', undefined, headers(''))).json.max_retries,
      4,
    );
  });

  it('gets its batch again', async () => {
    const body = { tasks: [TASK, TASK] };
    const first = await post('k', body, {}, 'tasks/batch');
    assert.deepEqual([first.status, first.json.items.length], [201, 2]);
    assertReplayed(first, await post('k', body, {}, 'tasks/batch'));
    assert.equal(await count('tasks'), 2);
  });

  it('gets its document again; of a document, the bytes and the name count', async () => {
    const first = await upload('k', 'one');
    assert.equal(first.status, 201);
    assertReplayed(first, await upload('k', 'one'));
    assert.equal(problem(await upload('k', 'two')), '422 /problems/idempotency-key-reused');
    assert.equal(problem(await upload('k', 'one', 'b.pdf')), '422 /problems/idempotency-key-reused');
    assert.deepEqual([await count('documents'), await count('tasks')], [1, 3]);
  });

  it('is carried out when it failed before: only successes are kept', async () => {
    assert.equal(problem(await post('k', { type: 'not-yet' })), '422 /problems/unknown-task-type');
    assert.equal(await count('idempotency_keys'), 0);
    const first = await post('k');
    assert.equal(first.status, 201);
    assert.equal(first.headers.get('idempotent-replayed'), null);
  });

  it('needs no type that is known today', async () => {
    const first = await post('k', { type: 'greet', params: { name: 'Ada' } });
    await api.database.query(`update task_types set name = 'gone' where name = 'greet'`);
    try {
      await waitFor('the API to notice', async () => (await post('other', { type: 'greet' })).status === 422);
      assertReplayed(first, await post('k', { type: 'greet', params: { name: 'Ada' } }));
    } finally {
      await api.database.query(`update task_types set name = 'greet' where name = 'gone'`);
    }
  });

  it('is new work a day later, before anybody has pruned', async () => {
    const first = await post('k');
    await api.database.query(`update idempotency_keys set created_at = now() - interval '24 hours'`);
    const second = await post('k', { type: 'anything' });
    assert.equal(second.status, 201);
    assert.notEqual(second.json.id, first.json.id);
    assertReplayed(second, await post('k', { type: 'anything' }));
    assert.equal(await count('idempotency_keys'), 1);
  });
});

describe('an Idempotency-Key', () => {
  it('belongs to a token and a route', async () => {
    const ids = new Set([
      (await post('k')).json.id,
      (await post('k', TASK, { authorization: 'Bearer bob-token' })).json.id,
      (await post('k', { tasks: [TASK] }, {}, 'tasks/batch')).json.items[0].id,
    ]);
    assert.equal(ids.size, 3);
  });

  it('may be quoted', async () => {
    const first = await post('abc "d" \\');
    assertReplayed(first, await post('"abc \\"d\\" \\\\"'));
    assert.equal((await post('"abc')).headers.get('idempotent-replayed'), null, 'is not a quoted string');
  });

  it('has from 1 to 255 characters', async () => {
    const longest = 'é'.repeat(255);
    const first = await post(longest);
    assert.equal(first.status, 201);
    assertReplayed(first, await post(`"${longest}"`));
    for (const key of ['', '""', 'x'.repeat(256), `"${'x'.repeat(256)}"`]) {
      assert.equal(problem(await post(key)), '400 /problems/bad-parameter');
    }
    assert.equal(await count('tasks'), 1);
  });

  it('with a body that is nested too deep fails as it does without', async () => {
    const depth = 5000;
    const body = `{"type":"anything","params":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`;
    const init = { method: 'POST', body, headers: headers('k', { 'content-type': 'application/json' }) };
    assert.equal(problem(await api.send('/api/v1/tasks', init)), '422 /problems/invalid-body');
  });
});

describe('simultaneous requests with one Idempotency-Key', () => {
  it('have one effect; those that come too early are told so', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('k')));
    const good = answers.filter(({ status }) => status === 201);
    const early = answers.filter(({ status }) => status !== 201);
    assert.ok(good.length >= 1);
    assert.equal(new Set(good.map(({ text }) => text)).size, 1);
    for (const answer of early) {
      assert.equal(problem(answer), '409 /problems/idempotency-in-progress');
      assert.equal(answer.headers.get('retry-after'), '1');
    }
    assert.equal(await count('tasks'), 1);
    assert.equal((await post('k')).text, good[0]?.text);
  });

  it('are many more than there are connections, and each other key succeeds', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => post(`key ${n}`)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
    assert.equal(await count('tasks'), 100);
  });

  it('among many others, of which some are wrong, have one effect a key; what is wrong leaves no key behind', async () => {
    const calls = Array.from({ length: 240 }, (_, call) => (call * 7) % 60);
    const answers = await Promise.all(
      calls.map(async (n) => {
        const body = { type: n % 6 === 5 ? 'unknown' : 'anything', params: { n } };
        return { n, answer: await post(`key ${n}`, body) };
      }),
    );
    const texts = new Map<number, Set<string>>();
    for (const { n, answer } of answers) {
      if (problem(answer) === '409 /problems/idempotency-in-progress') continue;
      if (n % 6 === 5) assert.equal(problem(answer), '422 /problems/unknown-task-type');
      else assert.deepEqual([answer.status, answer.json.params], [201, { n }]);
      texts.set(n, (texts.get(n) ?? new Set()).add(answer.text));
    }
    assert.equal(texts.size, 60, 'of each key one was answered');
    for (const [n, different] of texts) assert.equal(different.size, 1, `key ${n}`);
    assert.deepEqual([await count('tasks'), await count('idempotency_keys')], [50, 50]);
  });
});

describe('an Idempotency-Key together with Prefer: wait', () => {
  const task = async () => {
    const { rows } = await api.database.query<{ id: string }>('select id from tasks');
    return rows[0]?.id;
  };

  it('is in progress while the first caller waits; then the final answer is what is repeated', async () => {
    const waiting = post('k', TASK, { prefer: 'wait=30' });
    const id = await waitFor('the task', task);
    // Others see the task before the submission has heard of its commit: until then it is what is in progress.
    const reused = '422 /problems/idempotency-key-reused';
    await waitFor('the wait', async () => problem(await post('k', { type: 'anything' })) === reused);
    assert.equal(problem(await post('k')), '409 /problems/idempotency-in-progress');
    await putInto(api.database, id, 'completed');
    const first = await waiting;
    assert.deepEqual([first.json.status, first.json.id], ['completed', id]);
    assertReplayed(first, await post('k', TASK, { prefer: 'wait=30' }));
  });

  it('repeats what was said at the end of the wait', async () => {
    const first = await post('k', TASK, { prefer: 'wait=0' });
    assert.equal(first.json.status, 'queued');
    await putInto(api.database, first.json.id, 'completed');
    assertReplayed(first, await post('k', TASK, { prefer: 'wait=0' }));
  });

  it('repeats the answer to the submission when the first caller got none, once the wait would be over', async () => {
    const waiting = post('k', TASK, { prefer: 'wait=30' });
    const id = await waitFor('the task', task);
    await api.database.query('update idempotency_keys set pending_until = now()');
    const repeat = await waitFor('an answer to the repeat', async () => {
      const answer = await post('k');
      return answer.status === 409 ? null : answer;
    });
    assert.deepEqual([repeat.status, repeat.json.id, repeat.json.status], [201, id, 'queued']);
    await putInto(api.database, id, 'completed');
    const late = await waiting;
    assert.equal(late.text, repeat.text, 'the answer that somebody has got already stands');
  });
});
