import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { endAs } from '../../support/end-as.ts';
import { type Answer, startTestApi, type TestApi } from '../../support/test-api.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
after(() => api?.stop());

const submit = (body: object): Promise<Answer> =>
  api.call('POST', '/api/v1/tasks', { type: 'anything', ...body });
const submitBatch = (...tasks: object[]): Promise<Answer> =>
  api.call('POST', '/api/v1/tasks/batch', { tasks: tasks.map((task) => ({ type: 'anything', ...task })) });
const act = (id: string, action: string): Promise<Answer> =>
  api.call('POST', `/api/v1/tasks/${id}/${action}`);
const pointersOf = ({ json }: Answer) => json.errors.map((error: { pointer: string }) => error.pointer);

async function parent(): Promise<string> {
  return (await submit({})).json.id as string;
}

describe('POST /tasks with depends_on', () => {
  it('answers with a task that is created, and shows what it waits for', async () => {
    const id = await parent();
    const { status, json } = await submit({ depends_on: [id], on_dependency_failure: 'cancel' });
    assert.deepEqual([status, json.status, json.depends_on], [201, 'created', [id]]);
  });

  it('answers with a cancelled one when a dependency has failed', async () => {
    const id = await parent();
    await endAs(api.database, 'failed', [id]);
    const { status, json } = await submit({ depends_on: [id] });
    assert.deepEqual(
      [status, json.status, json.attempt, json.error],
      [201, 'cancelled', 0, `dependency ${id} of type anything failed`],
    );
  });

  it('tells which dependencies there are not', async () => {
    const [known, nobody] = [await parent(), randomUUID()];
    const answer = await submit({ depends_on: [nobody, known, nobody] });
    assert.deepEqual([answer.status, pointersOf(answer)], [422, ['/depends_on/0', '/depends_on/2']]);
    assert.equal(answer.json.errors[0].detail, `there is no task '${nobody}'`);
  });

  it('takes as many as 10,000, and no more', async () => {
    const id = await parent();
    const many = (count: number) => submit({ depends_on: Array(count).fill(id) });
    assert.deepEqual((await many(10_000)).json.depends_on, [id]);
    assert.deepEqual(pointersOf(await many(10_001)), ['/depends_on']);
  });
});

describe('POST /tasks/batch', () => {
  it('lets tasks depend on each other by their place', async () => {
    const { status, json } = await submitBatch({ depends_on: ['#1'] }, {});
    const [second, first] = json.items;
    assert.deepEqual(
      [status, second.status, second.depends_on, first.status],
      [201, 'created', [first.id], 'queued'],
    );
  });

  it('points at what goes in a circle, and at what is not there', async () => {
    const circle = await submitBatch({}, { depends_on: ['#0', '#2'] }, { depends_on: ['#1'] });
    assert.deepEqual([circle.status, pointersOf(circle)], [422, ['/tasks/1/depends_on/1']]);
    const unknown = await submitBatch({}, { depends_on: ['#0', randomUUID()] });
    assert.deepEqual([unknown.status, pointersOf(unknown)], [422, ['/tasks/1/depends_on/1']]);
    const outside = await submitBatch({ depends_on: ['#7'] }, {});
    assert.deepEqual([outside.status, pointersOf(outside)], [422, ['/tasks/0/depends_on/0']]);
  });
});

describe('a task with an unfinished dependency', () => {
  it('cannot be run by hand', async () => {
    const [first, second] = [await parent(), await parent()];
    const { id } = (await submit({ depends_on: [first, second] })).json;
    const { status, json } = await act(id, 'run');
    assert.deepEqual([status, json.type], [409, '/problems/open-dependencies']);
    assert.match(
      json.detail,
      new RegExp(`depends on '(${first}|${second})', which is queued, and on 1 more`),
    );
    await endAs(api.database, 'completed', [first]);
    assert.match((await act(id, 'run')).json.detail, new RegExp(`'${second}', which is queued\\.$`));
  });

  it('is cancelled with its dependency, and can be run when that has ended', async () => {
    const id = await parent();
    const child = (await submit({ depends_on: [id] })).json.id;
    await act(id, 'cancel');
    const { json } = await api.call('GET', `/api/v1/tasks/${child}`);
    assert.deepEqual(
      [json.status, json.error],
      ['cancelled', `dependency ${id} of type anything was cancelled`],
    );
    assert.equal((await act(child, 'run')).json.status, 'queued');
  });

  it('tells in its events who let it go on', async () => {
    const id = await parent();
    const child = (await submit({ depends_on: [id] })).json.id;
    await endAs(api.database, 'completed', [id]);
    const { json } = await api.call('GET', `/api/v1/tasks/${child}/events`);
    assert.deepEqual(
      json.items.map(({ from, to, actor }: Record<string, string>) => [from, to, actor]),
      [
        [null, 'created', 'api:anonymous'],
        ['created', 'queued', 'dependencies'],
      ],
    );
  });
});

it('a finished task that an unfinished one depends on is not deleted', async () => {
  const id = await parent();
  const child = (await submit({ depends_on: [id] })).json.id;
  await endAs(api.database, 'completed', [id]);
  const { status, json } = await api.call('DELETE', `/api/v1/tasks/${id}`);
  assert.deepEqual([status, json.type], [409, '/problems/task-waited-for']);
  await act(child, 'cancel');
  assert.equal((await api.call('DELETE', `/api/v1/tasks/${id}`)).status, 200);
});
