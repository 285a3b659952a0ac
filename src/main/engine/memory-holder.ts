/** What a thread holds of the process's memory, in bytes. */
export interface Reading {
  threadId: number;
  heldBytes: number;
  /** By how much it has grown since the attempt that runs began, or null when nothing runs. */
  grownBytes: number | null;
}

/** Whom to take memory from. */
export interface Holder {
  threadId: number;
  heldBytes: number;
  /** Whether the attempt that runs took it; otherwise it is left of earlier ones, and nobody's failure. */
  byAttempt: boolean;
}

/**
 * Finds the thread to replace when the process has too much memory: an idle one first, which costs nobody anything,
 * then the one whose attempt has grown most, then the one that holds most. Only a thread that has more than its share
 * is ever chosen.
 * @param budgetBytes what all threads together may hold
 * @returns null when they hold no more than that: then the memory is elsewhere, and no kill would give it back
 */
export function findHolder(readings: readonly Reading[], budgetBytes: number): Holder | null {
  const total = readings.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
  if (total <= budgetBytes) return null;
  const share = budgetBytes / readings.length;
  const holders = readings.filter(({ heldBytes }) => heldBytes > share);
  const idle = most(
    holders.filter(({ grownBytes }) => grownBytes === null),
    (reading) => reading.heldBytes,
  );
  if (idle !== undefined) return holder(idle, false);
  const grown = most(holders, growth);
  if (grown !== undefined && growth(grown) > share) return holder(grown, true);
  const largest = most(holders, (reading) => reading.heldBytes);
  return largest === undefined ? null : holder(largest, false);
}

function growth({ grownBytes }: Reading): number {
  return grownBytes ?? 0;
}

function most(readings: readonly Reading[], size: (reading: Reading) => number): Reading | undefined {
  return [...readings].sort((a, b) => size(b) - size(a))[0];
}

function holder({ threadId, heldBytes }: Reading, byAttempt: boolean): Holder {
  return { threadId, heldBytes, byAttempt };
}
