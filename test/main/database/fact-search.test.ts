import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import type pg from 'pg';
import { facts } from '../../../drizzle/schema/facts.ts';
import { type FactSearch, searchFacts } from '../../../src/main/database/fact-search.ts';
import { orm } from '../../../src/main/database/orm.ts';
import { sampledCount } from '../../../src/main/database/sampled-count.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
let pool: pg.Pool;
before(async () => {
  database = await createTestDatabase();
  pool = database.pool();
  await fill();
});
after(() => database?.drop());

const FACTS = 40_000;

/**
 * Facts of 12 words, of which few are common and many are rare, as in any language; every tenth with a tag, every
 * two-thousandth in Chinese.
 */
async function fill(): Promise<void> {
  const { rows } = await pool.query<{ indexdef: string }>(
    "select indexdef from pg_indexes where tablename = 'facts' and indexname <> 'facts_pkey'",
  );
  await pool.query('drop index facts_tags, facts_words, facts_searchable'); // One by one they are slow to fill.
  await pool.query(
    `insert into facts (text, tags, meta_data)
    select string_agg('word' || floor(exp(random() * ln(20000)))::int, ' ')
        || case when n % 2000 = 0 then ' 系统部署失败了' else '' end,
      case when n % 10 = 0 then array['tenth', 'tag ' || n] else '{}' end, jsonb_build_object('number', n)
    from generate_series(1, $1) n, generate_series(1, 12) where n > 0 group by n order by n`,
    [FACTS],
  );
  for (const { indexdef } of rows) await pool.query(indexdef);
  await pool.query('vacuum analyze facts');
}

/** What the statements of a search do, without the one that reads facts by their ids. */
async function plansOf(search: FactSearch): Promise<string> {
  const sent: { text: string; values: unknown[] }[] = [];
  const recording = {
    query: (config: { text: string }, values: unknown[]) => {
      sent.push({ text: config.text, values });
      return pool.query(config, values);
    },
  };
  await searchFacts(orm(recording as unknown as pg.Pool), search, { limit: 10, offset: 0 });
  const plans: string[] = [];
  for (const { text, values } of sent.filter(({ text }) => !/^explain|array_position/.test(text))) {
    const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values);
    plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
  }
  assert.ok(plans.length > 1);
  return plans.join('\n\n');
}

describe('a search for', () => {
  const cases: [what: string, search: FactSearch, indexes: string[]][] = [
    ['a word that is nowhere', { q: 'nowhere' }, ['facts_words', 'facts_searchable']],
    ['part of a word', { q: 'umber": 1234' }, ['facts_searchable']],
    ['several words', { q: 'nowhere nothing' }, ['facts_words', 'facts_searchable']],
    ['Chinese', { q: '部署失败' }, ['facts_searchable']],
    ['a tag', { tags: ['tag 1230'] }, ['facts_tags']],
    ['a tag that is nowhere', { tags: ['nowhere'] }, ['facts_tags']],
    ['words and a tag', { q: 'nowhere', tags: ['tag 1230'] }, ['facts_tags|facts_words']],
  ];
  for (const [what, search, indexes] of cases) {
    it(`${what} reads through no table`, async () => {
      const plans = await plansOf(search);
      assert.doesNotMatch(plans, /Seq Scan on facts|Index Scan Backward using facts_pkey/);
      for (const index of indexes) assert.match(plans, new RegExp(`Bitmap Index Scan on (${index})`));
    });
  }

  it('a common word takes the newest facts, and sorts no others', async () => {
    const plans = await plansOf({ q: 'word1' });
    const [, newest] = plans.split('\n\n');
    assert.match(newest ?? '', /Index Scan Backward using facts_pkey/);
  });

  it('a phrase of common words, which is rare, collects what has both', async () => {
    const plans = await plansOf({ q: '"word1 word3"' });
    assert.doesNotMatch(plans, /Index Scan Backward using facts_pkey/);
    const { items, total } = await searchFacts(orm(pool), { q: '"word1 word3"' }, { limit: 5, offset: 0 });
    assert.equal(items.length, 5);
    assert.ok(total < 10_000);
    for (const { text } of items) assert.match(text, /word1 word3\b/);
  });
});

it('a sample suggests about how many facts have a word', async () => {
  const having = (word: string) => sql`${facts.words} @@ to_tsquery('english', ${word})`;
  for (const word of ['word1', 'word2', 'word20']) {
    const { rows } = await pool.query<{ count: number }>(
      "select count(*)::int as count from facts where words @@ to_tsquery('english', $1)",
      [word],
    );
    const count = rows[0]?.count as number;
    const suggested = await sampledCount(orm(pool), facts, having(word));
    assert.ok(suggested > 0.7 * count && suggested < 1.4 * count, `${suggested} for ${count} of ${word}`);
  }
  assert.equal(await sampledCount(orm(pool), facts, having('nowhere')), 0);
});
