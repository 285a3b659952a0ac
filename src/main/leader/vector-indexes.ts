import pg from 'pg';
import type { Queryable } from '../database/connect.ts';
import { describe } from '../database/errors.ts';
import {
  createVectorIndex,
  dropVectorIndex,
  isIndexable,
  listVectorIndexes,
  modelsInUse,
  vectorIndexName,
} from '../database/vector-index.ts';
import type { Observe } from '../observe/events.ts';
import { Repeat } from './repeat.ts';
import { CREATE_EXTENSION, FIND_EXTENSION, TAKE_THE_LOCK } from './sql/vector-indexes.ts';

/**
 * Makes the indexes of embeddings where PostgreSQL has pgvector, and drops those that are of no use any more: as the
 * leader, soon after its start and every minute. Without pgvector there is nothing to do: vectors are compared in SQL.
 */
export class VectorIndexes {
  readonly #database: Queryable;
  readonly #url: string;
  readonly #observe: Observe;
  readonly #repeat: Repeat;
  /** Making an index takes longer than a pool waits for. */
  #client: pg.Client | null = null;
  #toldWhyNot: string | null = null;

  readonly #firstInMs: number;

  /** @param url a direct connection: the lock is one of a session */
  constructor(database: Queryable, url: string, observe: Observe, pace: Pace = {}) {
    const { firstInMs = FIRST_IN_MS, everyMs = EVERY_MS } = pace;
    this.#database = database;
    this.#url = url;
    this.#observe = observe;
    this.#firstInMs = firstInMs;
    this.#repeat = new Repeat('vector indexes', everyMs, () => this.#look(), observe);
  }

  start(): void {
    this.#repeat.start(this.#firstInMs);
  }

  /** PostgreSQL goes on with an index that is being made, and keeps the lock until then. */
  async stop(): Promise<void> {
    const stopped = this.#repeat.stop();
    // With a statement under way, this destroys the socket.
    this.#client?.end().catch(() => {});
    await stopped;
  }

  async #look(): Promise<void> {
    const { make, drop } = await workToDo(this.#database);
    if (make.length > 0) {
      const whyNot = await whyNoExtension(this.#database);
      if (whyNot !== this.#toldWhyNot && whyNot !== null)
        this.#observe({ event: 'vectors_without_extension', reason: whyNot });
      this.#toldWhyNot = whyNot;
      if (whyNot !== null) return;
    }
    if (make.length > 0 || drop.length > 0) await this.#tend();
  }

  async #tend(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: 'heddle vector indexes',
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
    });
    client.on('error', () => {}); // The statement that is under way says it.
    this.#client = client;
    try {
      await client.connect();
      await tendVectorIndexes(client, this.#observe);
    } finally {
      this.#client = null;
      await client.end().catch(() => {});
    }
  }
}

interface Pace {
  firstInMs?: number;
  everyMs?: number;
}

const FIRST_IN_MS = 10_000;
const EVERY_MS = 60_000;

/**
 * Makes the vector indexes that are missing, and drops those that are of no use, unless somebody else is at it. pgvector
 * has to be there.
 * @param client a session, outside of a transaction
 */
export async function tendVectorIndexes(client: Queryable, observe: Observe): Promise<void> {
  const { rows } = await client.query<{ taken: boolean }>(TAKE_THE_LOCK);
  if (rows[0]?.taken !== true) return;
  const { make, drop } = await workToDo(client);
  for (const index of drop) {
    await client.query(dropVectorIndex(index));
    observe({ event: 'vector_index_dropped', index });
  }
  // With less, the index of 50,000 vectors does not fit, and takes several times as long.
  await client.query("set maintenance_work_mem = '256MB'");
  for (const { model, dimension } of make) {
    const startedAt = performance.now();
    await client.query(createVectorIndex(model, dimension));
    const took_ms = performance.now() - startedAt;
    observe({ event: 'vector_index_made', model, dimension, took_ms });
  }
}

interface Work {
  make: { model: string; dimension: number }[];
  drop: string[];
}

/** An index whose making was cut off is of no use: PostgreSQL keeps it up to date, and reads it never. */
async function workToDo(database: Queryable): Promise<Work> {
  const models = (await modelsInUse(database)).filter(({ dimension }) => isIndexable(dimension));
  const wanted = new Map(models.map((one) => [vectorIndexName(one.model, one.dimension), one]));
  const drop: string[] = [];
  for (const { name, isValid } of await listVectorIndexes(database)) {
    if (isValid && wanted.has(name)) wanted.delete(name);
    else drop.push(name);
  }
  return { make: [...wanted.values()], drop };
}

/** Makes the extension when that is possible. @returns null when it is there */
async function whyNoExtension(database: Queryable): Promise<string | null> {
  const { rows } = await database.query<{ created: boolean }>(FIND_EXTENSION);
  const [extension] = rows;
  if (extension === undefined) return 'PostgreSQL does not have it installed';
  if (extension.created) return null;
  try {
    await database.query(CREATE_EXTENSION);
    return null;
  } catch (error) {
    return `it is installed, and this role cannot create it: ${describe(error).message}`;
  }
}
