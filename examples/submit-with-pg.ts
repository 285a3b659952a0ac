import type pg from 'pg';

/*
 * An order and the task that confirms it, in one transaction: both are committed, or neither is there. The table is the
 * shop's own, in the database that Heddle works on:
 *
 *   create table orders (id bigint primary key generated always as identity, customer text not null, cents int not null)
 */

/** @returns the ids of the order and of its task */
export async function placeOrder(
  pool: pg.Pool,
  customer: string,
  cents: number,
): Promise<{ orderId: string; taskId: string }> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const orderId = await insertOrder(client, customer, cents);
    const taskId = await submit(client, 'confirm-order', { order_id: orderId }, { priority: -10 });
    await client.query('commit');
    return { orderId, taskId };
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

async function insertOrder(client: pg.ClientBase, customer: string, cents: number): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    'insert into orders (customer, cents) values ($1, $2) returning id',
    [customer, cents],
  );
  return (rows[0] as { id: string }).id;
}

/** Submits a task in the client's transaction. pg sends objects as JSON. @returns the task's id */
async function submit(client: pg.ClientBase, type: string, params: object, options: object = {}) {
  const { rows } = await client.query<{ id: string }>('select heddle_submit($1, $2, $3) as id', [
    type,
    params,
    options,
  ]);
  return (rows[0] as { id: string }).id;
}
