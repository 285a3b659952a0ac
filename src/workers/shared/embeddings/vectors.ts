/** The same direction, of length 1: the product of two such vectors is the cosine of their angle. Zero stays zero. */
export function normalized(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const length = Math.sqrt(squares);
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** As PostgreSQL writes a `real[]`. */
export function toSqlArray(vector: Float32Array): string {
  return `{${vector.join()}}`;
}

/** As pgvector writes a `vector`. */
export function toSqlVector(vector: Float32Array): string {
  return `[${vector.join()}]`;
}

/**
 * The signs of a vector as PostgreSQL writes bits. Vectors in similar directions have most signs in common: how many
 * differ is a cheap measure for which ones are worth comparing (Charikar, "Similarity estimation techniques from
 * rounding algorithms", 2002).
 */
export function toSignBits(vector: Float32Array): string {
  let bits = '';
  for (const value of vector) bits += value > 0 ? '1' : '0';
  return bits;
}
