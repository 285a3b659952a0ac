import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, type ProgramOptions, runProgram, threadFolder } from '../../workers/program.ts';
import type { ReadingLimits } from './limits.ts';
import type { Reading } from './transcript.ts';
import { withoutTextLayer } from './unreadable.ts';

/**
 * Reads the pages of a scan with tesseract, one after the other: poppler's `pdftoppm` draws them.
 * @param file as pieces, which are written where pdftoppm can read a page of them
 * @param pages how many there are
 * @param languages as tesseract names them: `eng+deu`
 * @throws PermanentError when the machine lacks one of the programs, or the language
 */
export async function readScan(
  file: AsyncIterable<Uint8Array>,
  pages: number,
  languages: string,
  { signal, timeoutSeconds, onPage }: ReadingLimits,
): Promise<Reading> {
  const missing = PROGRAMS.filter((name) => findProgram(name) === undefined);
  if (missing.length > 0) throw withoutTextLayer(pages, `; OCR needs ${missing.join(' and ')}`);
  const source = join(await threadFolder(), 'scan.pdf');
  const texts: string[] = [];
  try {
    await writeFile(source, file);
    for (let page = 1; page <= pages; page += 1) {
      const image = await run('pdftoppm', drawing(page, source), { signal, timeoutSeconds });
      const options = { signal, timeoutSeconds, input: onePiece(image), env: ONE_CORE };
      const text = await run('tesseract', ['-', '-', '-l', languages], options);
      texts.push(text.toString('utf8').replaceAll('\f', ''));
      await onPage?.(page, pages);
    }
  } finally {
    await rm(source, { force: true });
  }
  return { pages: texts, isPaged: true, transcribedBy: 'tesseract', warnings: [] };

  async function run(name: string, args: readonly string[], options: ProgramOptions): Promise<Buffer> {
    const end = await runProgram(name, args, { ...options, maxOutputBytes: MOST_BYTES_OF_A_PAGE });
    if (end?.code === 0) return end.output;
    const detail = end?.complaints.trim().split('\n')[0] || `exit code ${end?.code}`;
    if (end === undefined || end.code > 128) throw new Error(`${name} crashed (${detail})`); // Or was taken away.
    throw withoutTextLayer(pages, `; ${name} cannot read page ${texts.length + 1} (${detail})`);
  }
}

/** Threads of the runner share the others. */
const ONE_CORE = { OMP_THREAD_LIMIT: '1' };

const PROGRAMS = ['pdftoppm', 'tesseract'];

/** Grey, in the resolution that tesseract is made for. */
function drawing(page: number, source: string): string[] {
  return ['-r', '300', '-gray', '-f', String(page), '-l', String(page), source];
}

/** A0 in grey at that resolution has 140 MB. */
const MOST_BYTES_OF_A_PAGE = 160 * 1024 * 1024;

async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
