import type { Entry } from './workload.ts';

/** One of those that take turns. */
export interface Turn<T> {
  /** What it is found by. */
  key: string;
  label: string;
  isOurs: boolean;
  measure(): Promise<T>;
}

/** What came of it. */
export interface Taken<T> {
  key: string;
  label: string;
  isOurs: boolean;
  /** One for each round. */
  measured: T[];
  /** Why there is nothing more. */
  failed?: string;
}

/**
 * Each has its turn in each round: now one comes first, now the other, for what comes later finds the machine warm. One
 * that fails has no more turns.
 */
export async function takeTurns<T>(
  turns: readonly Turn<T>[],
  rounds: number,
  say: (line: string) => void,
  tell: (measured: T) => string,
): Promise<Taken<T>[]> {
  const all = turns.map(({ key, label, isOurs }): Taken<T> => ({ key, label, isOurs, measured: [] }));
  for (let round = 0; round < rounds; round++) {
    const order = [...turns.entries()];
    for (const [at, { label, measure }] of round % 2 === 0 ? order : order.reverse()) {
      const taken = all[at] as Taken<T>;
      if (taken.failed !== undefined) continue;
      try {
        const measured = await measure();
        taken.measured.push(measured);
        say(`${label}: ${tell(measured)}`);
      } catch (error) {
        taken.failed = (error as Error).message.split('\n')[0] ?? 'for no reason';
        say(`${label} could not be measured: ${(error as Error).stack}`);
      }
    }
  }
  return all;
}

/** What was measured of one, round by round. */
export function valuesOf<T>(
  taken: readonly Taken<T>[],
  key: string,
  value: (measured: T) => number,
): number[] {
  return taken.find((each) => each.key === key)?.measured.map(value) ?? [];
}

/** An entry of a comparison. @param value what the bars show; @param more further columns, when there is anything */
export function toEntry<T>(
  { label, isOurs, measured, failed }: Taken<T>,
  value: (measured: T) => number,
  more: (measured: readonly T[]) => Record<string, string> = () => ({}),
): Entry {
  return {
    label,
    isOurs,
    values: measured.map(value),
    ...(measured.length > 0 ? { more: more(measured) } : {}),
    ...(failed === undefined ? {} : { note: `not measured: ${failed}` }),
  };
}
