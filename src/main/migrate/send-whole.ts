import { once } from 'node:events';
import pg from 'pg';
import { EXIT, MigrationError } from './error.ts';
import { wholeFault } from './statement-fault.ts';
import type { WholeScript } from './statements.ts';

/** A script that was not parsed holds a COMMIT or a ROLLBACK: what it had done by then may have stayed. */
export class TransactionEnded extends MigrationError {
  constructor({ file }: WholeScript, reason: string) {
    super(
      EXIT.sqlFailed,
      `${file}: it ended its transaction itself, and a part of it may have stayed; ${reason}`,
    );
  }
}

/**
 * Sends a script in one message, in the transaction that is open. Nobody has looked for a COMMIT in it, so it is
 * looked afterwards whether the transaction is still the same.
 * @throws MigrationError that names file, line, SQLSTATE and statement; TransactionEnded
 */
export async function sendWhole(client: pg.Client, script: WholeScript): Promise<void> {
  const before = await transactionId(client);
  const query = new CountedQuery(script.sql);
  try {
    await once(client.query(query), 'end');
  } catch (error) {
    const fault = wholeFault(script, query.done, error);
    if (await hasEnded(client, before)) throw new TransactionEnded(script, fault.message);
    throw fault;
  }
  if ((await transactionId(client)) !== before)
    throw new TransactionEnded(script, 'take COMMIT and ROLLBACK out of it');
}

/** Of what its statements answer it only keeps how many did: 200,000 results would fill the memory. */
class CountedQuery extends pg.Query {
  done = 0;
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleCommandComplete(): void {
    this.done += 1;
  }
}

async function transactionId(client: pg.Client): Promise<string | undefined> {
  const { rows } = await client.query<{ id: string }>('select txid_current()::text as id');
  return rows[0]?.id;
}

/** After an error: a transaction that failed refuses every statement, and one that was committed is known as such. */
async function hasEnded(client: pg.Client, before: string | undefined): Promise<boolean> {
  const isOutside = await client.query('select 1').then(
    () => true,
    () => false,
  );
  await client.query('rollback').catch(() => {});
  if (isOutside) return true;
  const status = "select txid_status($1::bigint) = 'committed' as committed";
  const { rows } = await client
    .query<{ committed: boolean }>(status, [before])
    .catch(() => ({ rows: [{ committed: false }] }));
  return rows[0]?.committed === true;
}
