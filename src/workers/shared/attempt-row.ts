import type { AttemptOrder } from '../protocol.ts';

/**
 * An attempt as it travels. Structured clone writes and looks up the name of every field of an object: a thread takes
 * three times as long to read one as to read this.
 */
export type AttemptRow = [
  taskId: string,
  type: string,
  claimToken: string,
  attempt: number,
  maxRetries: number,
  params: string,
  createdAtMs: number,
  domain: string | null,
  description: string | null,
  uniqueKey: string | null,
  hasDependencies: boolean,
  traceparent: string | null,
  hasSecrets: boolean,
  limited: AttemptOrder['limited'],
];

/** Main thread. */
export function toAttemptRow(order: AttemptOrder): AttemptRow {
  return [
    order.taskId,
    order.type,
    order.claimToken,
    order.attempt,
    order.maxRetries,
    order.params,
    order.createdAtMs,
    order.domain,
    order.description,
    order.uniqueKey,
    order.hasDependencies,
    order.traceparent,
    order.hasSecrets,
    order.limited,
  ];
}

/** Worker thread. */
export function toAttemptOrder(row: AttemptRow): AttemptOrder {
  return {
    taskId: row[0],
    type: row[1],
    claimToken: row[2],
    attempt: row[3],
    maxRetries: row[4],
    params: row[5],
    createdAtMs: row[6],
    domain: row[7],
    description: row[8],
    uniqueKey: row[9],
    hasDependencies: row[10],
    traceparent: row[11],
    hasSecrets: row[12],
    limited: row[13],
  };
}
