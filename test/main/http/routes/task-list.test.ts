import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { putInto } from '../../../support/task-states.ts';
import { startTestApi, type TestApi } from '../../../support/test-api.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
after(() => api?.stop());

const list = async (query = '') => (await api.call('GET', `/api/v1/tasks${query}`)).json;
const idsOf = (page: { items: { id: string }[] }) => page.items.map((item) => item.id);

async function submitMany(count: number, type = 'anything'): Promise<string[]> {
  const tasks = Array.from({ length: count }, (_, n) => ({ type, params: { n, name: 'x' } }));
  return idsOf((await api.call('POST', '/api/v1/tasks/batch', { tasks })).json);
}

describe('GET /tasks', () => {
  it('is empty at first', async () => {
    assert.deepEqual(await list(), { items: [], total: 0, next_cursor: null });
  });

  it('lists the newest 50 first, with the total of all', async () => {
    const ids = await submitMany(70);
    const page = await list();
    assert.deepEqual(idsOf(page), ids.toReversed().slice(0, 50));
    assert.deepEqual([page.total, 'total_is_estimate' in page], [70, false]);
    assert.equal(typeof page.next_cursor, 'string');
    assert.deepEqual(Object.keys(page), ['items', 'total', 'next_cursor']);
  });

  it('skips and repeats no row while rows are added', async () => {
    const before = (await list('?limit=1000')).items;
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await list(`?limit=7${cursor && `&cursor=${cursor}`}`);
      seen.push(...idsOf(page));
      cursor = page.next_cursor ?? '';
      await submitMany(3);
    } while (cursor !== '');
    assert.deepEqual(seen, idsOf({ items: before }));
  });

  it('goes on by offset, too', async () => {
    const all = idsOf(await list('?limit=1000'));
    const page = await list('?limit=10&offset=5');
    assert.deepEqual(idsOf(page), all.slice(5, 15));
    assert.deepEqual(idsOf(await list(`?limit=3&cursor=${page.next_cursor}`)), all.slice(15, 18));
    assert.deepEqual(idsOf(await list(`?offset=${all.length}`)), []);
    assert.equal((await list(`?limit=${all.length}`)).next_cursor, null);
  });

  it('filters', async () => {
    const only = async (query: string) => idsOf(await list(`?${query}`));
    const a = await api.submit({ type: 'greet', params: { name: 'Fifty% off' }, domain: 'shop' });
    const b = await api.submit({ type: 'anything', description: 'under_score', unique_key: 'my key' });
    const c = await api.submit({ type: 'anything', domain: 'shop' });
    await putInto(api.database, c.id, 'failed');
    assert.deepEqual(await only('type=greet'), [a.id]);
    assert.deepEqual(await only('domain=shop'), [c.id, a.id]);
    assert.deepEqual(await only('domain=shop&type=greet'), [a.id]);
    assert.deepEqual(await only('unique_key=my+key'), [b.id]);
    assert.deepEqual(await only('status=failed'), [c.id]);
    assert.deepEqual(await only('status=failed&status=completed&type=anything'), [c.id]);
    assert.deepEqual(await only('status=completed'), []);
    assert.deepEqual(await only('q=fifty%25'), [a.id]);
    assert.deepEqual(await only('q=Y%25+O'), [a.id]);
    assert.deepEqual(await only('q=R_S'), [b.id]);
    assert.deepEqual(await only('q=r_s%25'), []);
    assert.deepEqual(await only('q=no+luck'), [c.id]);
    assert.equal((await list('?domain=shop&limit=1')).total, 2);
  });

  it('filters by time, to the millisecond that it shows', async () => {
    const { id, created_at } = await api.submit({ type: 'anything', description: 'now' });
    const before = new Date(Date.parse(created_at) - 1).toISOString();
    const after = new Date(Date.parse(created_at) + 1).toISOString();
    const finds = async (query: string) => idsOf(await list(`?q=now&${query}`)).includes(id);
    assert.equal(await finds(`created_after=${before}`), true);
    assert.equal(await finds(`created_after=${created_at}`), false);
    assert.equal(await finds(`created_before=${created_at}`), false);
    assert.equal(await finds(`created_before=${after}`), true);
    assert.equal(
      await finds(`created_after=${before.replace('Z', '%2B00:00')}&created_before=${after}`),
      true,
    );
  });

  it('lists a type in the order of its tasks, whatever their status', async () => {
    const statuses = ['created', 'queued', 'running', 'completed', 'failed', 'cancelled'] as const;
    const ids = await submitMany(statuses.length * 2, 'once');
    for (const [index, id] of ids.entries())
      await putInto(api.database, id, statuses[index % statuses.length] ?? 'queued');
    assert.deepEqual(idsOf(await list('?type=once')), ids.toReversed());
    const page = await list('?type=once&limit=5&offset=2');
    assert.deepEqual(idsOf(page), ids.toReversed().slice(2, 7));
    assert.deepEqual(
      idsOf(await list(`?type=once&status=queued&status=failed&status=queued&cursor=${page.next_cursor}`)),
      ids.filter((_, index) => index < 5 && [1, 4].includes(index)).toReversed(),
    );
    assert.equal((await list('?type=once&limit=1')).total, 12);
  });

  it('filters by time also what has an id of another time', async () => {
    const insert = (count: number) =>
      api.database.query(
        `insert into tasks (type, created_at)
         select 'brought along', timestamptz '2020-01-01' + i * interval '1 hour' from generate_series(1, $1) i`,
        [count],
      );
    const inTheFirstHours = '?created_after=2020-01-01T00:30:00Z&created_before=2020-01-01T03:30:00Z';
    await insert(20);
    assert.equal((await list(`${inTheFirstHours}&type=brought+along`)).total, 3);
    assert.equal((await list('?created_before=2020-01-02T00:00:00Z')).items.length, 20);
    assert.equal((await list('?created_before=2020-01-01T00:00:00Z')).total, 0);
    assert.equal((await list('?created_after=2020-01-01T20:00:00Z&type=brought+along')).total, 0);
    await insert(1200); // More than are looked for one by one.
    const page = await list(`${inTheFirstHours}&limit=4`);
    assert.deepEqual([page.items.length, page.total], [4, 6]);
    const rest = await list(`${inTheFirstHours}&cursor=${page.next_cursor}`);
    assert.deepEqual([rest.items.length, rest.next_cursor], [2, null]);
    await api.database.query(`delete from tasks where type = 'brought along'`);
  });

  it('looks for a text among the newest, and goes on where it stopped', async () => {
    const { id } = await api.submit({ type: 'anything', description: 'a needle' });
    await api.database.query(
      `insert into tasks (type, description) select 'hay', 'straw' from generate_series(1, 12500)`,
    );
    const found: string[] = [];
    let cursor = '';
    let pages = 0;
    do {
      const page = await list(`?q=needle${cursor && `&cursor=${cursor}`}`);
      found.push(...idsOf(page));
      cursor = page.next_cursor ?? '';
      pages++;
    } while (cursor !== '');
    assert.deepEqual([found, pages <= 2], [[id], true]);
    assert.equal((await list('?q=needle')).total_is_estimate, true);
    const few = await list('?q=needle&type=anything');
    assert.deepEqual([few.total, few.total_is_estimate, few.next_cursor], [1, undefined, null]);
    await api.database.query(`delete from tasks where type = 'hay'`);
  });

  it('counts to 10,000 and estimates beyond', async () => {
    await api.database.query(`insert into tasks (type) select 'bulk' from generate_series(1, 10000)`);
    await api.database.query('analyze tasks');
    const exact = await list('?type=bulk&limit=1');
    assert.deepEqual([exact.total, exact.total_is_estimate], [10_000, undefined]);
    const estimate = await list('?limit=1');
    assert.equal(estimate.total_is_estimate, true);
    assert.ok(estimate.total > 10_000 && estimate.total < 12_000);
  });
});
