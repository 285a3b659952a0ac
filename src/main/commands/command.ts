import { type ParseArgsConfig, parseArgs } from 'node:util';

/** The command line asks for something that there is not: exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** The command failed, and the message says all that there is to say: exit code 1. */
export class CommandError extends Error {
  override name = 'CommandError';
}

/**
 * Does a command's work. What went wrong goes to standard error.
 * @param name as in `heddle NAME`
 * @returns the exit code: the work's, 1 after a CommandError, 2 after a UsageError
 */
export async function runCommand(name: string, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CommandError) {
      console.error(`heddle ${name}: ${error.message}`);
      return 1;
    }
    if (error instanceof UsageError) {
      console.error(`heddle ${name}: ${error.message} (see heddle ${name} --help)`);
      return 2;
    }
    throw error;
  }
}

type Known = NonNullable<ParseArgsConfig['options']>;
type Values<Options extends Known> = ReturnType<typeof parseArgs<{ options: Options }>>['values'];

/**
 * Reads a command's arguments, as node's parseArgs does.
 * @param most how many words it takes besides the options
 * @throws UsageError when there are options that it does not know, or too many words
 */
export function readArguments<const Options extends Known>(
  argv: readonly string[],
  options: Options,
  most: number,
): { values: Values<Options>; words: string[] } {
  const { values, positionals: words } = parse(argv, options);
  const unexpected = words[most];
  if (unexpected !== undefined) throw new UsageError(`what is '${unexpected}'?`);
  return { values, words };
}

function parse<const Options extends Known>(argv: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    const [firstSentence = ''] = (error as Error).message.split('. ');
    throw new UsageError(firstSentence);
  }
}
