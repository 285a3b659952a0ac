import { ProgramOutputExceeded, runProgram } from '../../workers/program.ts';
import { MAX_TEXT_BYTES, type ReadingLimits } from './limits.ts';
import type { Reading } from './transcript.ts';
import { damaged, encrypted, tooMuchText } from './unreadable.ts';

/**
 * Extracts text with poppler's `pdftotext`, which gets the file on its standard input: nothing of it is left on a
 * disk, however this thread ends.
 * @returns nothing when the machine has no such program
 * @throws PermanentError when the file is encrypted, damaged or has too much text; another error, which a retry may
 *   help, when the program takes too long, crashes or cannot be started
 */
export async function readWithPdftotext(
  pieces: AsyncIterable<Uint8Array>,
  { signal, timeoutSeconds, maxTextBytes = MAX_TEXT_BYTES }: ReadingLimits,
): Promise<Reading | undefined> {
  const options = { signal, timeoutSeconds, input: pieces, maxOutputBytes: maxTextBytes };
  const end = await runProgram('pdftotext', ARGUMENTS, options).catch((error) => {
    throw error instanceof ProgramOutputExceeded ? tooMuchText(maxTextBytes) : error;
  });
  if (end === undefined) return undefined;

  const { code, output, complaints } = end;
  if (code !== 0) throw faultOf(code, complaints);
  const pages = output.toString('utf8').split('\f');
  pages.pop(); // A form feed follows each page, so that nothing follows the last one.
  return { pages, isPaged: true, transcribedBy: 'pdftotext', warnings: warningsOf(complaints) };
}

const ARGUMENTS = ['-enc', 'UTF-8', '-eol', 'unix', '--', '-', '-'];

/** What pdftotext(1) says about a file it could not read. Other exits are the machine's fault, or a crash. */
function faultOf(code: number, complaints: string): Error {
  if (/incorrect password/i.test(complaints)) return encrypted();
  const detail = linesOf(complaints)[0] ?? `exit code ${code}`;
  if (EXITS_OVER_THE_FILE.includes(code) && !/out of memory/i.test(complaints)) {
    return damaged('pdftotext', detail);
  }
  return new Error(`pdftotext ended with ${code}: ${detail}`);
}

/** The file cannot be opened, does not permit copying, or has another fault. */
const EXITS_OVER_THE_FILE: readonly number[] = [1, 3, 99];

function warningsOf(complaints: string): string[] {
  const lines = [...new Set(linesOf(complaints))];
  if (lines.length <= MAX_WARNINGS) return lines;
  return [...lines.slice(0, MAX_WARNINGS), `and ${lines.length - MAX_WARNINGS} more such lines`];
}

const MAX_WARNINGS = 20;

function linesOf(complaints: string): string[] {
  return complaints
    .split('\n')
    .map((line) => line.replace(/\p{Cc}/gu, '').trim())
    .filter((line) => line !== '');
}
