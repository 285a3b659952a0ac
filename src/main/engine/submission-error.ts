/** What is wrong with the submissions: nothing of them was accepted. */
export class SubmissionError extends Error {
  override name = 'SubmissionError';
  readonly faults: readonly SubmissionFault[];
  /** The types that can be submitted. */
  readonly knownTypes: readonly string[];
  constructor(faults: readonly SubmissionFault[], knownTypes: readonly string[]) {
    super(faults.map((fault) => `${fault.pointer}: ${fault.detail}`).join('; '));
    this.faults = faults;
    this.knownTypes = knownTypes;
  }
}

export interface SubmissionFault {
  kind: 'unknown-type' | 'periodic-type' | 'invalid-params' | 'invalid-field';
  /** Which submission. */
  index: number;
  /** Into the submission: `/params/text`. */
  pointer: string;
  detail: string;
}
