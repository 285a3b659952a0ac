import type { Arguments } from './arguments.ts';

/** Measures one thing, saying each round as it goes. */
export type Bench = (options: BenchOptions) => Promise<Row[]>;

/** `quick`: small sizes and few rounds, to see that it works, not to be quoted. */
export interface BenchOptions extends Omit<Arguments, 'names'> {
  say: (line: string) => void;
  /** What the figures depend on, in one line. */
  machine: string;
}

/** A line of the final table. */
export interface Row {
  what: string;
  target: string;
  measured: string;
  /** `null` when it could not be measured. */
  met: boolean | null;
}
