import type pg from 'pg';
import { type Description, describeSchema } from '../../src/main/migrate/generate/describe-schema.ts';

/** The schema of the database that a pool is connected to. */
export async function schemaOf(pool: pg.Pool): Promise<Description> {
  const client = await pool.connect();
  try {
    return await describeSchema(client);
  } finally {
    client.release();
  }
}
