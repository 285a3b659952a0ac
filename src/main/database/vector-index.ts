import { createHash } from 'node:crypto';
import pg from 'pg';
import type { Queryable } from './connect.ts';

/*
 * Indexes of pgvector, where PostgreSQL has that extension: one for each model and dimension, because vectors of
 * different ones cannot be compared. No migration makes them: the extension is not everywhere, and which models there are
 * is known only when there are embeddings.
 */

/** The most dimensions that an index takes: as `vector`, and with half the digits as `halfvec`. */
const MOST_OF_VECTOR = 2000;
const MOST_OF_HALFVEC = 4000;

/** The type by which pgvector compares vectors of a dimension. */
export function vectorType(dimension: number): string {
  return dimension <= MOST_OF_VECTOR ? `vector(${dimension})` : `halfvec(${dimension})`;
}

/** Whether pgvector can have an index of such vectors. */
export function isIndexable(dimension: number): boolean {
  return dimension <= MOST_OF_HALFVEC;
}

/** The name of the index: it has to hold the whole model, however long that is. */
export function vectorIndexName(model: string, dimension: number): string {
  return `${prefixOf(model)}${dimension}`;
}

/** Whether there is an index that is complete. */
export async function findVectorIndex(
  database: Queryable,
  model: string,
  dimension: number,
): Promise<boolean> {
  const { rows } = await database.query(FIND_INDEX, [vectorIndexName(model, dimension)]);
  return rows.length > 0;
}

/** By what vectors of a model are found: pgvector, when it has an index of them, or SQL. */
export async function vectorBackend(database: Queryable, model: string): Promise<'pgvector' | 'sql'> {
  const { rows } = await database.query(FIND_INDEX_LIKE, [prefixOf(model)]);
  return rows.length > 0 ? 'pgvector' : 'sql';
}

/** All vector indexes there are, complete or not. */
export async function listVectorIndexes(database: Queryable): Promise<{ name: string; isValid: boolean }[]> {
  const { rows } = await database.query<{ name: string; isValid: boolean }>(LIST_INDEXES, [PREFIX]);
  return rows;
}

/** The models of which documents have embeddings, with their dimensions. */
export async function modelsInUse(database: Queryable): Promise<{ model: string; dimension: number }[]> {
  const { rows } = await database.query<{ model: string; dimension: number }>(MODELS_IN_USE);
  return rows;
}

/** The statement that makes an index while others read and write. */
export function createVectorIndex(model: string, dimension: number): string {
  const operators = dimension <= MOST_OF_VECTOR ? 'vector_cosine_ops' : 'halfvec_cosine_ops';
  return `
create index concurrently ${vectorIndexName(model, dimension)} on document_embeddings
using hnsw ((embedding::${vectorType(dimension)}) ${operators})
where model = ${pg.escapeLiteral(model)} and dimension = ${dimension}`;
}

/** The statement that drops an index while others read and write. */
export function dropVectorIndex(name: string): string {
  return `drop index concurrently if exists ${pg.escapeIdentifier(name)}`;
}

const PREFIX = 'document_embeddings_hnsw_';

function prefixOf(model: string): string {
  return `${PREFIX}${createHash('sha256').update(model).digest('hex').slice(0, 12)}_`;
}

/** In the schema that the table is found in: another one may have a Heddle of its own. */
const INDEXES = `
select c.relname as name, i.indisvalid as "isValid"
from pg_index i
join pg_class c on c.oid = i.indexrelid
where i.indrelid = 'document_embeddings'::regclass`;

const FIND_INDEX = `${INDEXES} and i.indisvalid and c.relname = $1`;

const FIND_INDEX_LIKE = `${INDEXES} and i.indisvalid and starts_with(c.relname, $1) limit 1`;

const LIST_INDEXES = `${INDEXES} and starts_with(c.relname, $1)`;

const MODELS_IN_USE = `
select embedding_model as model, embedding_dimension as dimension
from parsed_documents
where embedding_status = 'done' and embedding_dimension is not null
group by 1, 2`;
