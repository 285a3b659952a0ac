import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { startTestApi, type TestApi } from '../../../support/test-api.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
beforeEach(() => api.database.query('truncate facts'));
after(async () => {
  const unexpected = api?.events.of('request_failed');
  await api?.stop();
  assert.deepEqual(unexpected, []);
});

async function keep(...texts: string[]): Promise<void> {
  for (const text of texts) await keepWith({ text });
}

async function keepWith(fact: { text: string; tags?: string[]; meta_data?: object }): Promise<void> {
  assert.equal((await api.call('POST', '/api/v1/facts', fact)).status, 201);
}

async function page(q: string, more = '') {
  const { status, json } = await api.call('GET', `/api/v1/facts?q=${encodeURIComponent(q)}${more}`);
  assert.equal(status, 200, q);
  return json as { total: number; total_is_estimate?: true; items: { text: string }[] };
}

/** The texts that are found, in their order. */
async function found(q: string, more = ''): Promise<string[]> {
  return (await page(q, more)).items.map(({ text }) => text);
}

describe('words', () => {
  it('are found in all their forms, the best match first, of equal ones the newest', async () => {
    await keep('it deploys, deployed and was deploying', 'a deployment', 'no match', 'the last deployment');
    assert.deepEqual(await found('deploy'), [
      'it deploys, deployed and was deploying',
      'the last deployment',
      'a deployment',
    ]);
  });

  it('are searched for as search engines do', async () => {
    await keep('red apple', 'green apple', 'red pear', 'apple, red');
    assert.deepEqual(await found('red apple'), ['apple, red', 'red apple']);
    assert.deepEqual(await found('"red apple"'), ['red apple']);
    assert.deepEqual(await found('apple -red'), ['green apple']);
    assert.deepEqual(await found('pear or green'), ['red pear', 'green apple']);
  });

  it('come before what only has them as a part', async () => {
    await keep('a log', 'a catalogue', 'an analogy');
    assert.deepEqual(await found('log'), ['a log', 'an analogy', 'a catalogue']);
    assert.deepEqual(await found('log', '&limit=1&offset=1'), ['an analogy']);
    assert.deepEqual(await found('log', '&limit=5&offset=2'), ['a catalogue']);
    assert.deepEqual(await found('log', '&offset=3'), []);
  });

  it('that are too common to be words are found as parts', async () => {
    await keep('to be or not to be');
    assert.deepEqual(await found('not to'), ['to be or not to be']);
  });
});

describe('a part', () => {
  it('is found in upper or lower case', async () => {
    await keep('Straßenbahn in Äthiopien', 'ПРИВЕТ');
    assert.deepEqual(await found('SSENBAHN'), []);
    assert.deepEqual(await found('ßENB'), ['Straßenbahn in Äthiopien']);
    assert.deepEqual(await found('äTHIO'), ['Straßenbahn in Äthiopien']);
    assert.deepEqual(await found('риве'), ['ПРИВЕТ']);
  });

  it('may hold what LIKE takes for something else', async () => {
    await keep('100% sure', '100 sure', 'snake_case', 'snake-case', 'C:\\dir', 'C:/dir');
    assert.deepEqual(await found('0% s'), ['100% sure']);
    assert.deepEqual(await found('ake_ca'), ['snake_case']);
    assert.deepEqual(await found(':\\di'), ['C:\\dir']);
    for (const q of ['%', '_', '\\']) assert.equal((await page(q)).total, 1, q);
    assert.equal((await page('%%%')).total, 0);
  });

  it('is found in Chinese, Japanese and Korean', async () => {
    await keep('系统部署失败了', 'データベースに接続できません', '데이터베이스 연결');
    assert.deepEqual(await found('部署失败'), ['系统部署失败了']);
    assert.deepEqual(await found('失败'), ['系统部署失败了']);
    assert.deepEqual(await found('ベース'), ['データベースに接続できません']);
    assert.deepEqual(await found('이터베'), ['데이터베이스 연결']);
  });

  it('is found when it is short', async () => {
    await keep('xyz', 'a-b');
    assert.deepEqual(await found('y'), ['xyz']);
    assert.deepEqual(await found('yz'), ['xyz']);
    assert.deepEqual(await found('-'), ['a-b']);
  });

  it('is found in the metadata: names, values, and as JSON', async () => {
    const odd = 'say "hi"\\\n\ttwice \u0001';
    await keepWith({ text: 'x', meta_data: { source: 'User Input', n: 12345, deep: [{ odd }] } });
    for (const q of ['ourc', 'user in', '2345', '"source": "user', '"hi"\\', '\n\ttwi', 'ice \u0001', odd]) {
      assert.deepEqual(await found(q), ['x'], q);
    }
  });

  it('of both of a text and its metadata is none', async () => {
    await keepWith({ text: 'the end', meta_data: { begin: 1 } });
    assert.deepEqual(await found('end {"begin'), []);
  });

  it('without three letters in a row is looked for in the newest 50,000 facts', async () => {
    await keep('old one: y\u00e4!', 'old word: ox');
    await api.database.query("insert into facts (text) select 'x' from generate_series(1, 49998)");
    assert.equal((await page('\u00e4!')).total, 1);
    await keep('new one: y\u00e4!', 'new word: ox');
    assert.deepEqual(await found('\u00e4!'), ['new one: y\u00e4!']);
    assert.deepEqual(await found('ox'), ['new word: ox', 'old word: ox']);
    assert.equal((await page('\u00e4!')).total_is_estimate, true);
  });
});

describe('among more than a thousand matches', () => {
  it('the newest thousand are ranked, and pages cover them all once', async () => {
    await keep('gold gold gold: too old to be ranked');
    await api.database.query("insert into facts (text) select 'gold ' || n from generate_series(1, 998) n");
    await keep('gold gold: the best of the newest');
    await api.database.query(
      "insert into facts (text) select 'marigold ' || n from generate_series(1, 20) n",
    );
    await keep('gold, the newest');
    const all = await page('gold', '&limit=1000');
    assert.equal(all.total, 1021);
    assert.deepEqual(
      all.items.slice(0, 2).map(({ text }) => text),
      ['gold gold: the best of the newest', 'gold, the newest'],
    );
    const texts: string[] = [];
    for (let offset = 0; offset < 1021; offset += 147)
      texts.push(...(await found('gold', `&limit=147&offset=${offset}`)));
    assert.deepEqual(
      texts.slice(0, 1000),
      all.items.map(({ text }) => text),
    );
    assert.equal(texts.at(1000), 'marigold 20');
    assert.equal(texts.at(-1), 'gold gold gold: too old to be ranked');
    assert.equal(new Set(texts).size, 1021);
  });

  it('they are counted to 10,000 and estimated beyond', async () => {
    await api.database.query(
      "insert into facts (text) select 'silver ' || n from generate_series(1, 10000) n",
    );
    await api.database.query('analyze facts');
    assert.deepEqual(
      await page('silver', '&limit=1').then(({ total, total_is_estimate }) => [total, total_is_estimate]),
      [10_000, undefined],
    );
    await keep('silver');
    const { total, total_is_estimate } = await page('silver', '&limit=1');
    assert.equal(total_is_estimate, true);
    assert.ok(total > 10_000 && total < 13_000, String(total));
  });
});
