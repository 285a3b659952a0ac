/** What the exit codes of `heddle migrate` mean. */
export const EXIT = {
  done: 0,
  sqlFailed: 1,
  usage: 2,
  filesInvalid: 3,
  lockNotObtained: 4,
  databaseUnreachable: 5,
  /** Only by `--status --exit-code`. */
  pending: 10,
} as const;

/** A migration command that could not do what was asked. `faults` has one line each; the message is all of them. */
export class MigrationError extends Error {
  override name = 'MigrationError';
  readonly exitCode: number;
  readonly faults: readonly string[];
  constructor(exitCode: number, faults: string | readonly string[], options?: ErrorOptions) {
    const lines = typeof faults === 'string' ? [faults] : faults;
    super(lines.join('\n'), options);
    this.exitCode = exitCode;
    this.faults = lines;
  }
}

/** The connection broke between two files, and nothing is left half done: the same may be tried again at once. */
export class ConnectionBroke extends MigrationError {
  constructor(reason: string, options?: ErrorOptions) {
    super(EXIT.databaseUnreachable, `the connection to the database broke: ${reason}`, options);
  }
}
