import { spawnSync } from 'node:child_process';

/** The readers of PDF, one of which this machine may not have. */
export const PDF_READERS = [
  { name: 'pdftotext', skip: spawnSync('pdftotext', ['-v']).error && 'this machine has no pdftotext' },
  { name: 'unpdf', skip: undefined },
] as const;

/** Runs `work` as if the machine had that reader and nothing better. */
export async function withReader<T>(name: string, work: () => Promise<T>): Promise<T> {
  const { PATH } = process.env;
  if (name === 'unpdf') process.env.PATH = '/nowhere';
  try {
    return await work();
  } finally {
    process.env.PATH = PATH;
  }
}
