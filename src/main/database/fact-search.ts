import { and, desc, gte, or, type SQL, sql } from 'drizzle-orm';
import { facts } from '../../../drizzle/schema/facts.ts';
import { boundedCount, type Count, plannedRows } from './bounded-count.ts';
import { type FactRow, VISIBLE } from './facts.ts';
import type { Orm } from './orm.ts';
import { sampledCount } from './sampled-count.ts';
import { containingInJson, hasTrigrams, websearch } from './search-text.ts';

/** Which facts; all that is given must hold. */
export interface FactSearch {
  /** Words in the syntax of `websearch_to_tsquery`, or a part of the text or the metadata, upper or lower case. */
  q?: string | undefined;
  /** Each of them must be there. */
  tags?: readonly string[] | undefined;
}

/** A page of facts. `total` may be an estimate. */
export type FactPage = Count & { items: FactRow[] };

/**
 * Facts, the newest first. With `q` those come first that have its words, the best match first: of more than 1,000
 * the newest 1,000.
 */
export async function searchFacts(
  orm: Orm,
  search: FactSearch,
  page: { limit: number; offset: number },
): Promise<FactPage> {
  const conditions = await conditionsOf(orm, search);
  const suggested = await suggestedCount(orm, conditions);
  const [items, { total, isEstimate }] = await Promise.all([
    readPage(orm, conditions, suggested, page),
    count(orm, conditions, suggested),
  ]);
  return { items, total, isEstimate: isEstimate || conditions.areBounded };
}

interface Conditions {
  /** What the words are, and that a fact has them; undefined when none are searched for. */
  words: { query: SQL; matching: SQL | undefined } | undefined;
  /** That a fact is one of those that are searched for. */
  all: SQL | undefined;
  /** Older facts were not looked at. */
  areBounded: boolean;
}

async function conditionsOf(orm: Orm, { q, tags = [] }: FactSearch): Promise<Conditions> {
  const tagged = tags.length === 0 ? undefined : sql`${facts.tags} @> ${sql.param(tags)}::text[]`;
  if (q === undefined) return { words: undefined, all: tagged, areBounded: false };

  const query = sql`websearch_to_tsquery('english', ${websearch(q)})`;
  const hasWords = sql`${facts.words} @@ ${query}`;
  const contains = or(...containingInJson(q).map((part) => sql`${facts.searchable} like lower(${part})`));
  const oldest = hasTrigrams(q) ? undefined : await oldestRecent(orm);
  const isRecent = oldest === undefined ? undefined : gte(facts.id, oldest);
  return {
    words: { query, matching: and(tagged, hasWords) },
    all: and(tagged, or(hasWords, and(isRecent, contains))),
    areBounded: oldest !== undefined,
  };
}

/** Where the facts begin that are read through for what no index can find; undefined when those are all. */
async function oldestRecent(orm: Orm): Promise<string | undefined> {
  const fromThere = orm.select({ id: facts.id }).from(facts).orderBy(desc(facts.id));
  const [oldest] = await fromThere.offset(RECENT - 1).limit(1);
  return oldest?.id;
}

/** They are read through in a few hundredths of a second. */
const RECENT = 50_000;

/** How many facts have the words, as a sample suggests: the planner takes phrases for as common as their words. */
async function suggestedCount(orm: Orm, { words }: Conditions): Promise<number> {
  return words === undefined ? 0 : sampledCount(orm, facts, words.matching);
}

/** The ranked ones first, then the others, the newest first. */
async function readPage(
  orm: Orm,
  { words, all }: Conditions,
  suggested: number,
  { limit, offset }: { limit: number; offset: number },
): Promise<FactRow[]> {
  const ranked =
    words === undefined ? [] : await rankedIds(orm, words.query, words.matching, suggested < CERTAINLY_FEW);
  const ids = ranked.slice(offset, offset + limit);
  if (ids.length < limit) {
    const others = and(
      all,
      ranked.length === 0 ? undefined : sql`${facts.id} <> all(${sql.param(ranked)}::uuid[])`,
    );
    const skipped = Math.max(0, offset - ranked.length);
    ids.push(...(await newestIds(orm, others, { limit: limit - ids.length, offset: skipped })));
  }
  return readFacts(orm, ids);
}

/**
 * The newest that match, at most `MANY`: the best match first, of equal ones the newest.
 * @param areFew so that all are collected by the index, and then sorted: it is not left to the planner, who would walk
 * through the whole table for a rare phrase of common words
 */
async function rankedIds(
  orm: Orm,
  query: SQL,
  matching: SQL | undefined,
  areFew: boolean,
): Promise<string[]> {
  const all = orm.select({ id: facts.id, words: facts.words }).from(facts).where(matching);
  const { rows } = await orm.execute<{ id: string }>(sql`
    select id
    from (select * from (${all} ${areFew ? COLLECTED : sql``}) having_them order by id desc limit ${MANY}) newest
    order by ts_rank(words, ${query}) desc, id desc`);
  return rows.map(({ id }) => id);
}

/** The planner does not look into a subselect with an offset. */
const COLLECTED = sql`offset 0`;

async function newestIds(
  orm: Orm,
  matching: SQL | undefined,
  { limit, offset }: { limit: number; offset: number },
): Promise<string[]> {
  const rows = await orm
    .select({ id: facts.id })
    .from(facts)
    .where(matching)
    .orderBy(desc(facts.id))
    .limit(matching === undefined ? limit : Math.max(MANY, limit))
    .offset(offset);
  return rows.slice(0, limit).map(({ id }) => id);
}

/**
 * So many are asked for at least, however few are wanted. The planner never expects that nothing matches: for a few
 * rows it would walk through the table from its newest row on, all of it when there are none (4 s among a million facts,
 * where the index needs 2 ms). For so many it does that only when they are common. A smaller limit around the statement
 * would undo that: the planner sees through it.
 */
const MANY = 1000;

async function readFacts(orm: Orm, ids: readonly string[]): Promise<FactRow[]> {
  const wanted = sql`${sql.param(ids)}::uuid[]`;
  return orm
    .select(VISIBLE)
    .from(facts)
    .where(sql`${facts.id} = any(${wanted})`)
    .orderBy(sql`array_position(${wanted}, ${facts.id})`);
}

/**
 * Where more than can be counted have the words, those that only have them as a part need no counting; and where they
 * are far more, not even those: to find the first 10,000 of them takes a tenth of a second.
 */
async function count(orm: Orm, { words, all }: Conditions, suggested: number): Promise<Count> {
  const matching = (condition: SQL | undefined) => orm.select({ id: facts.id }).from(facts).where(condition);
  if (suggested > CERTAINLY_MANY) return { total: suggested, isEstimate: true };
  const havingWords = words && (await boundedCount(orm, matching(words.matching)));
  if (!havingWords?.isEstimate) return boundedCount(orm, matching(all));
  const total = Math.max(havingWords.total, await plannedRows(orm, matching(all)));
  return { total, isEstimate: true };
}

/** Of what is counted exactly, 10,000, no sample of ten million facts suggests five times as many. */
const CERTAINLY_MANY = 50_000;

/** To collect and to sort so many takes some hundredths of a second. */
const CERTAINLY_FEW = 10_000;
