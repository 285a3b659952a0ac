import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../src/main/package-root.ts';
import { createTestDatabase } from '../test/support/database.ts';
import { storedDocument } from '../test/support/stored-document.ts';
import type { BenchOptions, Row } from './support/bench.ts';
import { BenchEngine } from './support/engine.ts';
import { median, spread } from './support/statistics.ts';
import { OWN_TASKS } from './support/task-types.ts';

/** What comes of a PDF, and when: by the tasks that an upload submits, on 2 threads. */
export async function documents({ quick, say }: BenchOptions): Promise<Row[]> {
  const rounds = quick ? 1 : 7;
  const faq = await readFile(SHORT);
  return [await againstBare(faq, rounds, say), await twiceAsMany(faq, rounds, say), await longOne(say)];
}

const SHORT = join(packageRoot, 'test/samples/debian-faq.en.pdf');

/** Of the Debian package r-doc-pdf. */
const LONG = '/usr/share/R/doc/manual/refman.pdf';

/** From submit to the last settle, against pdftotext alone on a file. */
async function againstBare(faq: Buffer, rounds: number, say: (line: string) => void): Promise<Row> {
  const what = `a 73-page PDF from upload to the end of its tasks, ${rounds} times`;
  const target = '≤ 1.5 × pdftotext + 1 s';
  if (!(await pdftotext(SHORT))) return { what, target, measured: 'not measured: no pdftotext', met: null };
  return onEngine({}, async (heddle) => {
    await together(heddle, [faq]); // Threads have to load their libraries once.
    const [bare, ours]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      const startedAt = performance.now();
      await pdftotext(SHORT);
      bare.push(performance.now() - startedAt);
      ours.push(await together(heddle, [faq]));
    }
    say(`73 pages: ${spread(ours)} ms; pdftotext alone ${spread(bare)} ms`);
    const measured = `${spread(ours)} to ${spread(bare)} ms`;
    return { what, target, measured, met: median(ours) <= 1.5 * median(bare) + 1000 };
  });
}

async function twiceAsMany(faq: Buffer, rounds: number, say: (line: string) => void): Promise<Row> {
  return onEngine({}, async (heddle) => {
    await together(heddle, [faq, faq]);
    const [two, four]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      two.push((await together(heddle, [faq, faq])) + (await together(heddle, [faq, faq])));
      four.push(await together(heddle, [faq, faq, faq, faq]));
    }
    say(`4 at once: ${spread(four)} ms; 2 and then 2: ${spread(two)} ms`);
    const ratio = median(four.map((ms, round) => ms / (two[round] ?? Number.NaN)));
    return {
      what: `4 documents at once on 2 threads, ${rounds} times`,
      target: '≤ 1.1 × two at a time',
      measured: `${ratio.toFixed(2)} ×: ${spread(four)} to ${spread(two)} ms`,
      met: ratio <= 1.1,
    };
  });
}

/** A thread that needs more is killed, and its task with it. */
async function longOne(say: (line: string) => void): Promise<Row> {
  const what = 'a 2,415-page PDF of 6.5 MB in a thread with a heap limit of 150 MB';
  const target = 'completes';
  if (!existsSync(LONG)) return { what, target, measured: `not measured: no ${LONG}`, met: null };
  return onEngine({ maxHeapMb: 150 }, async (heddle) => {
    const file = await readFile(LONG);
    const before = process.memoryUsage.rss();
    let most = before;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss());
    }, 20);
    const ms = await together(heddle, [file]).finally(() => clearInterval(watch));
    const grown = Math.round((most - before) / 2 ** 20);
    say(`2,415 pages: ${(ms / 1000).toFixed(1)} s, ${grown} MB more of the whole process`);
    const measured = `in ${(ms / 1000).toFixed(1)} s; the whole process had ${grown} MB more`;
    return { what, target, measured, met: true };
  });
}

/** @returns how long they take, in milliseconds @throws Error when one does not complete */
async function together(heddle: BenchEngine, files: readonly Buffer[]): Promise<number> {
  const ids = await Promise.all(
    // The same bytes are the same document: so each gets a trailer of its own.
    files.map((file) =>
      storedDocument(heddle.pool, Buffer.concat([file, Buffer.from(`\n%${randomUUID()}`)])),
    ),
  );
  const types = await typesThere(heddle);
  const ended = heddle.heard.settled(types.length * ids.length);
  const startedAt = performance.now();
  await heddle.submit(
    ids.flatMap((document_id, index) =>
      types.map((type, step) => ({
        type,
        params: { document_id },
        ...(step > 0 && { depends_on: [`#${index * types.length + step - 1}`] }),
      })),
    ),
  );
  await ended;
  const ms = performance.now() - startedAt;
  const { rows } = await heddle.pool.query("select type, error from tasks where status <> 'completed'");
  if (rows.length > 0) throw new Error(`not completed: ${JSON.stringify(rows)}`);
  await heddle.pool.query('truncate tasks, documents cascade');
  return ms;
}

async function typesThere(heddle: BenchEngine): Promise<string[]> {
  const { rows } = await heddle.pool.query<{ name: string }>('select name from task_types');
  const known = rows.map(({ name }) => name);
  return ['transcribe-document', 'chunk-document', 'embed-document'].filter((type) => known.includes(type));
}

async function onEngine<T>(
  options: { maxHeapMb?: number },
  work: (heddle: BenchEngine) => Promise<T>,
): Promise<T> {
  const database = await createTestDatabase();
  const heddle = await BenchEngine.prepare(database.url, { taskFolders: [OWN_TASKS], ...options });
  try {
    await heddle.start();
    return await work(heddle);
  } finally {
    await heddle.stop();
    await database.drop();
  }
}

/** @returns whether there is one */
async function pdftotext(path: string): Promise<boolean> {
  try {
    await promisify(execFile)('pdftotext', ['-enc', 'UTF-8', path, '-'], { maxBuffer: 2 ** 26 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
