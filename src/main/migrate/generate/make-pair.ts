import { EXIT, MigrationError } from '../error.ts';
import { readMigrations } from '../files.ts';
import { forgetAttempt, keepAttempt } from './attempt.ts';
import { derivePair } from './derive-pair.ts';
import { lint } from './lint.ts';
import type { MakeOptions } from './options.ts';
import { type PairText, parsePair, writePair } from './pair.ts';
import { type Project, shortPath } from './project.ts';
import { PairRefused, type Proof, prove } from './proof.ts';
import { withScratch } from './scratch.ts';
import { readSnapshots, type SnapshotFolder } from './snapshots.ts';

/** A pair that was proved and written. */
export interface MadePair {
  id: string;
  files: string[];
  proof: Proof;
  /** What the linter says of the UP; undefined when it is not installed. */
  warnings: string[] | undefined;
}

/** The pair is not written; its files are kept where they can be corrected. */
export class AttemptKept extends MigrationError {}

/**
 * Makes the pair that belongs to a folder of drizzle-kit: derives it, proves it, writes it, looks through it.
 * @param url of any database of the server to prove it on
 * @throws AttemptKept, or MigrationError when the fault is elsewhere
 */
export async function makePair(
  project: Project,
  folder: SnapshotFolder,
  options: MakeOptions,
  url: string,
): Promise<MadePair> {
  const pair = await derivePair(folder, await readSnapshots(project.drizzle));
  const proof = await proveOrKeep(project, folder, pair, options, url);
  const files = await writePair(project.migrations, folder.name, pair);
  await forgetAttempt(folder);
  const warnings = await lint(parsePair(folder.name, pair).up, project.root);
  return { id: folder.name, files, proof, warnings };
}

async function proveOrKeep(
  project: Project,
  folder: SnapshotFolder,
  pair: PairText,
  options: MakeOptions,
  url: string,
): Promise<Proof> {
  try {
    return await provePair(project, folder.name, pair, options, url);
  } catch (error) {
    if (!isRefusalOf(folder.name, error)) throw error;
    await keepAttempt(folder, pair);
    throw new AttemptKept(EXIT.filesInvalid, [...error.faults, whereItIs(folder)], { cause: error });
  }
}

async function provePair(
  project: Project,
  id: string,
  pair: PairText,
  options: MakeOptions,
  url: string,
): Promise<Proof> {
  const migration = parsePair(id, pair);
  const migrations = [...(await readMigrations(project.migrations)), migration];
  migrations.sort((one, other) => (one.id < other.id ? -1 : 1));
  const proofs = await withScratch({ ...options, url }, (scratch) =>
    prove(migrations, (one) => one === id, { ...options, url: scratch.url, rows: project.rows }),
  );
  return proofs[0] as Proof;
}

/** Whether it is this pair that is at fault: it cannot be read, or it does not stand its proof. */
function isRefusalOf(id: string, error: unknown): error is MigrationError {
  if (error instanceof PairRefused) return error.id === id;
  return (
    error instanceof MigrationError &&
    error.exitCode === EXIT.filesInvalid &&
    error.faults.every((fault) => fault.startsWith(`${id}_`))
  );
}

function whereItIs({ name, path }: SnapshotFolder): string {
  return `${name} is refused, and nothing of it was written to the folder of the migrations; correct UP.sql and DOWN.sql in ${shortPath(path)} and run the same again, or remove that folder and begin anew`;
}
