import { EXIT, MigrationError } from '../error.ts';
import { brief } from '../script.ts';
import { prepareSession, type SessionOptions, sqlState, withSession } from '../session.ts';
import { type Description, describeSchema } from './describe-schema.ts';

/**
 * Makes the schema files' own schema anew in a database that the migrations have made. What they declare is dropped
 * first; what only migrations make, such as functions and extensions, stays, as defaults and types may be made of it.
 * @param statements drizzle-kit's, for an empty database
 * @throws MigrationError when one of them fails
 */
export function freshSchema(
  statements: readonly string[],
  options: SessionOptions & { lockTimeoutSeconds: number },
): Promise<Description> {
  return withSession(options, async (client) => {
    await prepareSession(client, options.lockTimeoutSeconds);
    for (const statement of statements) {
      const made = MADE.exec(statement);
      if (made) await client.query(`drop ${made[1]} if exists ${made[2]} cascade`);
    }
    for (const statement of statements) {
      try {
        await client.query(statement);
      } catch (error) {
        // Schemas and roles were not dropped: they hold more than the schema files know.
        if (['42P06', '42710'].includes(sqlState(error) ?? '')) continue;
        const message = `the schema files make no schema of their own: ${(error as Error).message} in: ${brief(statement)}`;
        throw new MigrationError(EXIT.filesInvalid, message, { cause: error });
      }
    }
    return describeSchema(client);
  });
}

/** As drizzle-kit writes it: every name is quoted. */
const MADE = /^create (table|type|sequence|view|materialized view) ((?:"(?:[^"]|"")+"\.)?"(?:[^"]|"")+")/i;
