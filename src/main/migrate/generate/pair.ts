import { join } from 'node:path';
import type { Migration } from '../files.ts';
import { scriptOf } from '../script.ts';
import { writeNew } from './write-new.ts';

/** The two files of a pair as text. */
export interface PairText {
  up: string;
  down: string;
}

/** @throws MigrationError when its directives are wrong */
export function parsePair(id: string, { up, down }: PairText): Migration {
  const [upFile, downFile] = namesOf(id);
  return { id, up: scriptOf(upFile, 'UP', up), down: scriptOf(downFile, 'DOWN', down) };
}

/**
 * Writes both files. @returns their paths
 * @throws MigrationError when one of them is there
 */
export async function writePair(directory: string, id: string, { up, down }: PairText): Promise<string[]> {
  const [upPath, downPath] = namesOf(id).map((name) => join(directory, name)) as [string, string];
  await writeNew([
    { path: downPath, text: down },
    { path: upPath, text: up },
  ]);
  return [upPath, downPath];
}

function namesOf(id: string): [up: string, down: string] {
  return [`${id}_UP.sql`, `${id}_DOWN.sql`];
}
