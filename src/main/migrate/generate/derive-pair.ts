import { join } from 'node:path';
import { readAttempt } from './attempt.ts';
import { statementsBetween, statesAround } from './drizzle-kit.ts';
import { renameHints, reverseHints } from './hints.ts';
import { lossComment, lossesOf } from './losses.ts';
import type { PairText } from './pair.ts';
import { deltasOf, readIfThere, type SnapshotFolder } from './snapshots.ts';

/**
 * Makes the SQL of a pair from a folder of drizzle-kit. The UP is drizzle-kit's `migration.sql`, which somebody may
 * have edited, or, where that was not kept, the difference between the snapshots; the DOWN is that difference the
 * other way round. What is left of an earlier attempt comes before both.
 * @param folders all of them: a snapshot only says what it changed
 */
export async function derivePair(
  folder: SnapshotFolder,
  folders: readonly SnapshotFolder[],
): Promise<PairText> {
  const attempt = await readAttempt(folder);
  const { up = await deriveUp(folder, folders), down = await deriveDown(folder, folders) } = attempt;
  return { up, down };
}

async function deriveUp(folder: SnapshotFolder, folders: readonly SnapshotFolder[]): Promise<string> {
  const { before, after, deltas } = await change(folder, folders);
  const written = await readIfThere(join(folder.path, 'migration.sql'));
  const sql = written ?? asText(await statementsBetween(before, after, renameHints(deltas)));
  return finish(lossComment(lossesOf(deltas, before.ddl).up), sql);
}

async function deriveDown(folder: SnapshotFolder, folders: readonly SnapshotFolder[]): Promise<string> {
  const { before, after, deltas } = await change(folder, folders);
  const sql = asText(await statementsBetween(after, before, reverseHints(deltas)));
  return finish(lossComment(lossesOf(deltas, before.ddl).down), sql || NOTHING_DERIVED);
}

/** A change that drizzle-kit was told to leave to hand-written SQL. */
const NOTHING_DERIVED = '-- Write here what undoes the UP.';

async function change(folder: SnapshotFolder, folders: readonly SnapshotFolder[]) {
  return { ...(await statesAround(folder, folders)), deltas: deltasOf(folder.snapshot) };
}

function asText(statements: readonly string[]): string {
  return statements.map((statement) => statement.trim()).join('\n');
}

/** Its own marks between statements are of no use to anybody else. */
function finish(comment: string, sql: string): string {
  const lines = sql.replaceAll('\r\n', '\n').replaceAll(/\n?--> statement-breakpoint\n?/g, '\n');
  return `${comment}${lines.trim()}\n`;
}
