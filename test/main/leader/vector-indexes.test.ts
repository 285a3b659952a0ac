import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { chunksByVector } from '../../../src/main/database/chunks-by-vector.ts';
import type { Queryable } from '../../../src/main/database/connect.ts';
import { findVectorIndex, vectorBackend, vectorIndexName } from '../../../src/main/database/vector-index.ts';
import { tendVectorIndexes, VectorIndexes } from '../../../src/main/leader/vector-indexes.ts';
import { normalized, toSignBits, toSqlArray } from '../../../src/workers/shared/embeddings/vectors.ts';
import { captureEvents } from '../../support/capture-events.ts';
import { createTestDatabase } from '../../support/database.ts';
import { startVectorDatabase, type VectorDatabase } from '../../support/pglite.ts';
import { waitFor } from '../../support/wait-for.ts';

/** Quotes and blanks in it, and longer than a name may be. */
const MODEL = `it's "a" model ${'x'.repeat(80)}`;

describe('with pgvector', () => {
  let vectors: VectorDatabase;
  let database: Queryable;
  let events = captureEvents();

  before(async () => {
    vectors = await startVectorDatabase();
    database = vectors.database;
    await database.query('create extension vector');
  });
  after(() => vectors?.stop());

  it('an index is made for each model and dimension that documents have, and found by', async () => {
    await embedDocument(database, 'A', MODEL, 64, 400);
    await embedDocument(database, 'B', 'another', 64, 50);
    await embedDocument(database, 'C', 'long', 3000, 3);
    await embedDocument(database, 'D', 'too long for any index', 5000, 2);
    assert.equal(await vectorBackend(database, MODEL), 'sql');
    await tendVectorIndexes(database, events.observe);
    assert.deepEqual(
      events
        .of('vector_index_made')
        .map(({ model, dimension }) => [model, dimension])
        .sort(),
      [
        ['another', 64],
        ['it\'s "a" model '.concat('x'.repeat(80)), 64],
        ['long', 3000],
      ],
    );
    assert.equal(await vectorBackend(database, MODEL), 'pgvector');
    assert.equal(await findVectorIndex(database, MODEL, 64), true);
    assert.equal(await findVectorIndex(database, MODEL, 65), false);
    assert.equal(await vectorBackend(database, 'too long for any index'), 'sql');

    events = captureEvents();
    await tendVectorIndexes(database, events.observe);
    assert.deepEqual(events.events, []);
  });

  it('a search takes the index, and finds what comparing all finds', async () => {
    for (const [model, dimension] of [
      [MODEL, 64],
      ['long', 3000],
    ] as const) {
      const wanted = randomVector(dimension);
      const explained = await explain(database, () => chunksByVector(database, model, wanted, 20));
      assert.match(explained, new RegExp(`Index Scan using ${vectorIndexName(model, dimension)}`));
      const found = await chunksByVector(database, model, wanted, 20);
      const nearest = await exactly(database, model, wanted, 20);
      const hits = found.filter((id) => nearest.includes(String(id)) || nearest.includes(id)).length;
      assert.ok(hits >= 0.9 * nearest.length, `${hits} of ${nearest.length}`);
      assert.equal(String(found[0]), String(nearest[0]));
    }
  });

  it('vectors of other models are never among them', async () => {
    const found = await chunksByVector(database, 'another', randomVector(64), 100);
    const { rows } = await database.query<{ model: string }>(
      'select distinct model from document_embeddings where chunk_id = any($1::bigint[])',
      [found.map(String)],
    );
    assert.deepEqual(rows, [{ model: 'another' }]);
  });

  it('an index of no use is dropped: of a model that is gone, or left incomplete', async () => {
    await database.query("delete from documents where title in ('B', 'C')");
    await database.query('update pg_index set indisvalid = false where indexrelid = $1::regclass', [
      vectorIndexName(MODEL, 64),
    ]);
    assert.equal(await vectorBackend(database, MODEL), 'sql');
    events = captureEvents();
    await tendVectorIndexes(database, events.observe);
    assert.deepEqual(
      events
        .of('vector_index_dropped')
        .map(({ index }) => index)
        .sort(),
      [vectorIndexName('another', 64), vectorIndexName('long', 3000), vectorIndexName(MODEL, 64)].sort(),
    );
    assert.equal(await vectorBackend(database, MODEL), 'pgvector');
  });
});

describe('without pgvector', () => {
  it('the leader says so once, and vectors are compared in SQL, with the same result', async () => {
    const own = await createTestDatabase();
    const database = own.pool();
    const { observe, of } = captureEvents();
    let looks = 0;
    const counted: Queryable = {
      query: (statement, values) => {
        if (String(statement).includes('pg_available_extensions')) looks += 1;
        return database.query(statement, values);
      },
    };
    const indexes = new VectorIndexes(counted, own.url, observe, { firstInMs: 0, everyMs: 10 });
    try {
      await embedDocument(database, 'A', MODEL, 64, 600);
      indexes.start();
      await waitFor('the leader to look three times', () => looks >= 3);
      assert.deepEqual(
        of('vectors_without_extension').map(({ reason }) => reason),
        ['PostgreSQL does not have it installed'],
      );

      const wanted = randomVector(64);
      const found = await chunksByVector(database, MODEL, wanted, 10);
      assert.deepEqual(found, await exactly(database, MODEL, wanted, 10));
      assert.deepEqual(of('database_error'), []);
    } finally {
      await indexes.stop();
      await own.drop();
    }
  });
});

/** A document whose chunks have vectors at random, the same in each run. */
async function embedDocument(
  database: Queryable,
  title: string,
  model: string,
  dimension: number,
  chunks: number,
): Promise<void> {
  await database.query(
    `with document as (
       insert into documents (title, media_type, bytes, sha256) values ($1, 'text/plain', 1, $1) returning id
     ), parsed as (
       insert into parsed_documents (document_id, status, chunks, embedding_status, embedding_model, embedding_dimension)
       select id, 'ready', $4, 'done', $2, $3 from document
     )
     insert into document_chunks (document_id, chunk, page, start_offset, end_offset, text, words)
     select id, n, 1, n, n + 1, 'x', '' from document, generate_series(0, $4::int - 1) n`,
    [title, model, dimension, chunks],
  );
  const { rows } = await database.query<{ id: string }>(
    'select c.id from document_chunks c join documents d on d.id = c.document_id where d.title = $1',
    [title],
  );
  const made = rows.map(() => randomVector(dimension));
  await database.query(
    `insert into document_embeddings (chunk_id, model, dimension, embedding, signs)
     select id, $2, $3, embedding::real[], signs::bit varying
     from unnest($1::bigint[], $4::text[], $5::text[]) as made (id, embedding, signs)`,
    [rows.map(({ id }) => id), model, dimension, made.map(toSqlArray), made.map(toSignBits)],
  );
}

async function exactly(
  database: Queryable,
  model: string,
  vector: Float32Array,
  limit: number,
): Promise<string[]> {
  const { rows } = await database.query<{ id: string }>(
    `select chunk_id as id from document_embeddings where model = $1 and dimension = $2
     order by (select sum(a * b) from unnest(embedding, $3::real[]) as n (a, b)) desc limit $4`,
    [model, vector.length, toSqlArray(vector), limit],
  );
  return rows.map(({ id }) => id);
}

/** How PostgreSQL carries out the select of what is done, however few rows there are. */
async function explain(database: Queryable, work: () => Promise<unknown>): Promise<string> {
  const { query } = database;
  const plans: string[] = [];
  database.query = (async (statement: string, values?: unknown[]) => {
    if (/from document_embeddings/.test(statement)) {
      const { rows } = await query(`explain ${statement}`, values);
      plans.push(...rows.map((row) => Object.values(row)[0] as string));
    }
    return query(statement, values);
  }) as typeof query;
  await query('set enable_sort = off');
  try {
    await work();
  } finally {
    database.query = query;
    await query('reset enable_sort');
  }
  return plans.join('\n').replace(/\[[-\d.,e]+\]/g, '[…]');
}

let seed = 1;

function randomVector(dimension: number): Float32Array {
  return normalized(
    Float32Array.from({ length: dimension }, () => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed / 2 ** 31 - 1;
    }),
  );
}
