/** Measures one thing, saying each round as it goes. */
export type Bench = (options: BenchOptions) => Promise<Row[]>;

export interface BenchOptions {
  /** Small sizes and few rounds: to see that it works, not to be quoted. */
  quick: boolean;
  /** How large a table is to be, where that can be chosen. */
  tasks?: number | undefined;
  say: (line: string) => void;
}

/** A line of the final table. */
export interface Row {
  what: string;
  target: string;
  measured: string;
  /** `null` when it could not be measured. */
  met: boolean | null;
}
