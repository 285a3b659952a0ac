import type { Row } from '../support/bench.ts';
import type { Contender } from '../systems/contenders.ts';

/** Lets all contenders do the same, in turns. */
export type Workload = (context: Context) => Promise<Outcome>;

export interface Context {
  /** Heddle, and then the peers that were chosen and can run here. */
  contenders: readonly Contender[];
  /** How often each has its turn. */
  rounds: number;
  /** Small sizes: to see that it works, not to be quoted. */
  quick: boolean;
  /** How long the long ones take. */
  seconds: number;
  say: (line: string) => void;
  /** Tasks a second that were drained in this run, by the contender's name. */
  drained: Map<string, number>;
}

export interface Outcome {
  comparisons: Comparison[];
  /** What is to be reached, and whether it was. */
  rows: Row[];
}

/** What is shown as one table and one chart. */
export interface Comparison {
  /** Of files and sections. */
  name: string;
  title: string;
  /** What was measured: `tasks/s`. */
  unit: string;
  better: 'higher' | 'lower';
  digits?: number;
  /** Whether it means anything how many times ours the others are. @default true */
  hasRatios?: boolean;
  entries: Entry[];
  /** What one has to know to read it. */
  note: string;
}

/** A line of the table, a bar of the chart. */
export interface Entry {
  label: string;
  isOurs: boolean;
  /** One for each round, in order; none when it could not be measured. */
  values: number[];
  /** More columns, by their heads. */
  more?: Record<string, string>;
  note?: string;
}

/** Of no-op tasks, which need no params. */
export const NO_OP = { type: 'no-op', params: {} } as const;
/** As many as are submitted in one call. */
export const AT_ONCE = 5000;
