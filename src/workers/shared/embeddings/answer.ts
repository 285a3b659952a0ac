import { EmbeddingError } from './error.ts';

/**
 * The vectors in an endpoint's answer, `{data: [{index, embedding}]}`, in the order of the texts. An embedding is an
 * array of numbers, or the base64 of little-endian float32.
 * @param count how many texts there were
 * @throws EmbeddingError when it is no such answer: not one vector for each text, of one dimension, of finite numbers
 */
export function vectorsOf(body: string, count: number): Float32Array[] {
  const vectors = inOrder(entriesOf(body), count).map(toVector);
  const dimension = vectors[0]?.length ?? 0;
  for (const vector of vectors) {
    if (vector.length !== dimension) throw wrong(`vectors of ${dimension} and of ${vector.length} numbers`);
    if (vector.length === 0) throw wrong('an empty vector');
    if (vector.length > MOST_DIMENSIONS) throw wrong(`a vector of ${vector.length} numbers`);
    if (!vector.every(Number.isFinite)) throw wrong('a vector with something in it that is not a number');
  }
  return vectors;
}

/** As pgvector has it. */
const MOST_DIMENSIONS = 16_000;

interface Entry {
  index?: unknown;
  embedding?: unknown;
}

function entriesOf(body: string): Entry[] {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    throw wrong(body.trim().startsWith('<') ? 'HTML' : 'something that is not JSON');
  }
  const data = (answer as { data?: unknown } | null)?.data;
  if (!Array.isArray(data)) throw wrong('JSON without a list "data"');
  return data.map((entry: unknown) => (typeof entry === 'object' && entry !== null ? entry : {}));
}

/** By `index`, which each has or none. */
function inOrder(entries: readonly Entry[], count: number): unknown[] {
  if (entries.length !== count) throw wrong(`${entries.length} vectors for ${count} texts`);
  if (entries.every(({ index }) => index === undefined)) return entries.map(({ embedding }) => embedding);
  const byIndex = new Map(entries.map(({ index, embedding }) => [index, embedding]));
  return entries.map((_, index) => {
    // Counting would not do: where one index is there twice, another one is missing.
    if (!byIndex.has(index)) throw wrong(`no vector with the index ${index}`);
    return byIndex.get(index);
  });
}

function toVector(embedding: unknown): Float32Array {
  if (Array.isArray(embedding)) return Float32Array.from(embedding as number[], asNumber);
  if (typeof embedding !== 'string') throw wrong('a vector that is neither an array nor base64');
  const bytes = Buffer.from(embedding, 'base64');
  if (bytes.length % 4 !== 0) throw wrong('base64 that does not hold float32 numbers');
  return Float32Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(4 * at));
}

/** Null and texts are no numbers, whatever JavaScript makes of them. */
function asNumber(value: unknown): number {
  return typeof value === 'number' ? value : Number.NaN;
}

/** To ask again would bring the same. */
function wrong(what: string): EmbeddingError {
  return new EmbeddingError(`the embeddings endpoint answered with ${what}`, { isPassing: false });
}
