import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm';
import { vector } from '@electric-sql/pglite-pgvector';
import type { Queryable } from '../../src/main/database/connect.ts';
import { packageRoot } from '../../src/main/package-root.ts';

/** A PostgreSQL with pgvector, which the embedded one lacks: in this process, and with one connection only. */
export interface VectorDatabase {
  database: Queryable;
  stop(): Promise<void>;
}

/** Migrated, and empty. It takes some seconds. */
export async function startVectorDatabase(): Promise<VectorDatabase> {
  const pglite = await PGlite.create({ extensions: { vector, pg_trgm } });
  const folder = join(packageRoot, 'migrations');
  const files = (await readdir(folder)).filter((name) => name.endsWith('_UP.sql'));
  for (const file of files.sort()) await pglite.exec(await readFile(join(folder, file), 'utf8'));
  const query = (statement: string, values: unknown[] = []) => pglite.query(statement, values);
  return { database: { query } as unknown as Queryable, stop: () => pglite.close() };
}
