import pg from 'pg';
import { toSignBits, toSqlArray, toSqlVector } from '../../workers/shared/embeddings/vectors.ts';
import { inTransaction, type Queryable } from './connect.ts';
import { findVectorIndex, vectorType } from './vector-index.ts';

/**
 * The ids of the chunks whose vectors are nearest to one, the nearest first: by the index of pgvector where there is one,
 * else by comparing signs, and then those exactly that have most in common. Only vectors of the same model and dimension
 * are looked at.
 * @param vector of length 1
 */
export async function chunksByVector(
  database: Queryable,
  model: string,
  vector: Float32Array,
  limit: number,
): Promise<string[]> {
  const index = await findVectorIndex(database, model, vector.length);
  return index ? byIndex(database, model, vector, limit) : bySigns(database, model, vector, limit);
}

async function byIndex(
  database: Queryable,
  model: string,
  vector: Float32Array,
  limit: number,
): Promise<string[]> {
  return inTransaction(database, async (client) => {
    await client.query(TAKE_THE_INDEX, [Math.min(1000, 2 * limit)]);
    const { rows } = await client.query<{ id: string }>(nearestByIndex(model, vector.length), [
      toSqlVector(vector),
      limit,
    ]);
    return rows.map(({ id }) => id);
  });
}

async function bySigns(
  database: Queryable,
  model: string,
  vector: Float32Array,
  limit: number,
): Promise<string[]> {
  const { rows } = await database.query<{ id: string }>(NEAREST_BY_SIGNS, [
    model,
    vector.length,
    toSignBits(vector),
    Math.max(COMPARED, 4 * limit),
    toSqlArray(vector),
    limit,
  ]);
  return rows.map(({ id }) => id);
}

/** Of so many the angle is computed. Among 50,000 vectors the nearest ten were always among them. */
const COMPARED = 400;

/**
 * pgvector looks at 40 rows unless told otherwise, and finds no more than that. The rows come sorted: what has to sort
 * them does not use the index.
 */
const TAKE_THE_INDEX = `select set_config('hnsw.ef_search', $1::text, true), set_config('enable_sort', 'off', true)`;

/** The index is one of this expression, and only of this model's rows: the planner has to find both here, as they are. */
function nearestByIndex(model: string, dimension: number): string {
  const type = vectorType(dimension);
  return `
select chunk_id as id
from document_embeddings
where model = ${pg.escapeLiteral(model)} and dimension = ${dimension}
order by (embedding::${type}) <=> $1::${type}
limit $2`;
}

/**
 * The signs come from an index that has them (`document_embeddings_signs`). Materialized, or else the planner would
 * compute all angles before it counts signs.
 */
const NEAREST_BY_SIGNS = `
with near as materialized (
  select chunk_id
  from document_embeddings
  where model = $1 and dimension = $2
  order by bit_count(signs # $3::bit varying)
  limit $4
)
select chunk_id as id
from near
join document_embeddings using (chunk_id)
order by (select sum(a * b) from unnest(embedding, $5::real[]) as numbers (a, b)) desc, id
limit $6`;
