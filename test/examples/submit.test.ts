import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { drizzle } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import { placeOrder as placeOrderWithDrizzle } from '../../examples/submit-with-drizzle.ts';
import { placeOrder as placeOrderWithPg } from '../../examples/submit-with-pg.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const EXAMPLES = {
  'submit-with-pg': placeOrderWithPg,
  'submit-with-drizzle': (pool: pg.Pool, customer: string, cents: number) =>
    placeOrderWithDrizzle(drizzle({ client: pool }), customer, cents),
};

for (const [name, placeOrder] of Object.entries(EXAMPLES)) {
  describe(`the example ${name}`, () => {
    let testDatabase: TestDatabase;
    let pool: pg.Pool;
    before(async () => {
      testDatabase = await createTestDatabase();
      pool = testDatabase.pool();
      await pool.query(SHOP);
    });
    after(() => testDatabase?.drop());

    it('commits the order together with its task', async () => {
      const { orderId, taskId } = await placeOrder(pool, 'Ada', 1250);
      assert.deepEqual(await orders(), [{ id: orderId, customer: 'Ada', cents: 1250 }]);
      assert.deepEqual(await tasks(), [
        { id: taskId, type: 'confirm-order', params: { order_id: orderId }, priority: -10, status: 'queued' },
      ]);
    });

    it('leaves no task behind when the order cannot be committed', async () => {
      await assert.rejects(placeOrder(pool, 'Ada', 99), isCausedBy(/one order a customer/));
      assert.deepEqual([(await orders()).length, (await tasks()).length], [1, 1]);
    });

    it('leaves no order behind when the task is refused', async () => {
      await pool.query(`delete from task_types`);
      await assert.rejects(
        placeOrder(pool, 'Grace', 99),
        isCausedBy(/There is no task type 'confirm-order'\. Known are: none\./),
      );
      assert.deepEqual([(await orders()).length, (await tasks()).length], [1, 1]);
    });

    const orders = async () => (await pool.query('select * from orders')).rows;
    const tasks = async () => (await pool.query('select id, type, params, priority, status from tasks')).rows;
  });
}

/** drizzle wraps the errors of pg. */
function isCausedBy(message: RegExp): (error: Error) => boolean {
  return (error) => message.test(error.message) || message.test(String(error.cause));
}

/** The constraint is checked at the commit, after the task was submitted. */
const SHOP = `
create table orders (
  id bigint primary key generated always as identity, customer text not null, cents int not null,
  constraint "one order a customer" unique (customer) deferrable initially deferred
);
insert into task_types (name, kind, timeout_seconds, max_retries, retry, poll_interval_seconds)
values ('confirm-order', 'database', 60, 3, '{"strategy":"cooldown","seconds":600}', 5)`;
