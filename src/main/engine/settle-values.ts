import type { Decision } from './outcome.ts';
import type { Settlement } from './settlement.ts';

/** A settlement, and what it means for its task. */
export interface Decided {
  settlement: Settlement;
  decision: Decision;
}

/** Whether SETTLE_COMPLETED can write it. */
export function isPlain({ settlement, decision }: Decided): boolean {
  return decision.status === 'completed' && decision.record === null && settlement.isTick !== true;
}

/** The columns of SETTLE_COMPLETED. Ids and numbers are written as array literals here: pg would escape each. */
export function toColumns(decided: readonly Decided[]): unknown[] {
  const now = performance.now();
  const column = (of: (settlement: Settlement) => string | number | null) =>
    `{${decided.map(({ settlement }) => of(settlement)).join()}}`;
  return [
    column(({ task }) => task.id),
    column(({ task }) => task.claim_token),
    column(({ task }) => task.max_retries),
    decided.map(({ decision }) => decision.result),
    column(({ ranMs, endedAt }) => ((now - endedAt + ranMs) / 1000).toFixed(6)),
    column(({ endedAt }) => ((now - endedAt) / 1000).toFixed(6)),
    column(({ threadId }) => threadId ?? 'null'),
  ];
}

/** The rows of SETTLE and its like, as JSON text. */
export function toRows(decided: readonly Decided[]): string {
  return JSON.stringify(decided.map(toRow));
}

/** What is left out is read as null: most tasks have nothing to tell but their end. */
function toRow({ settlement, decision }: Decided) {
  const { task, ranMs, endedAt, threadId } = settlement;
  return {
    id: task.id,
    token: task.claim_token,
    max_retries: task.max_retries,
    cancel_requested: task.cancel_requested,
    status: decision.status,
    delay: decision.delaySeconds,
    back: decision.attemptsBack,
    result: decision.result ?? undefined,
    error: decision.error ?? undefined,
    outcome: decision.record?.outcome,
    record: decision.record?.error ?? undefined,
    ran_ms: ranMs,
    ago_ms: performance.now() - endedAt,
    thread_id: threadId,
  };
}
