/** Where a command says what it has to say, results and complaints apart. */
export interface Output {
  print: (text: string) => void;
  complain: (text: string) => void;
}

/** A line or more each, as a person or a program behind a pipe reads them. */
export const standardOutput: Output = {
  print: (text) => void process.stdout.write(`${text}\n`),
  complain: (text) => void process.stderr.write(`${text}\n`),
};
