import { type SQL, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { bigint, integer, pgTable, text } from 'drizzle-orm/pg-core';

/*
 * An order and the task that confirms it, in one transaction: both are committed, or neither is there. The table is the
 * shop's own, in the database that Heddle works on.
 */

export const orders = pgTable('orders', {
  id: bigint({ mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
  customer: text().notNull(),
  cents: integer().notNull(),
});

/** @returns the ids of the order and of its task */
export async function placeOrder(
  database: NodePgDatabase,
  customer: string,
  cents: number,
): Promise<{ orderId: string; taskId: string }> {
  return database.transaction(async (transaction) => {
    const [order] = await transaction.insert(orders).values({ customer, cents }).returning();
    const orderId = String(order?.id);
    const { rows } = await transaction.execute<{ id: string }>(
      submission('confirm-order', { order_id: orderId }, { priority: -10 }),
    );
    return { orderId, taskId: (rows[0] as { id: string }).id };
  });
}

/** A statement that submits a task, whose one column is the task's `id`. */
function submission(type: string, params: object, options: object = {}): SQL {
  return sql`select heddle_submit(${type}, ${JSON.stringify(params)}, ${JSON.stringify(options)}) as id`;
}
