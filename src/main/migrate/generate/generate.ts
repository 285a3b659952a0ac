import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, MigrationError } from '../error.ts';
import { readMigrations } from '../files.ts';
import { faultsOfHistory, type Plan, planChange, writeChange } from './drizzle-kit.ts';
import { type Hint, readHints } from './hints.ts';
import { AttemptKept, type MadePair, makePair } from './make-pair.ts';
import type { MakeOptions } from './options.ts';
import { orphansOf, placeBehindPairs, removeUnfinished } from './orphans.ts';
import { findProject, type Project } from './project.ts';
import { readSnapshots, type SnapshotFolder } from './snapshots.ts';
import { soleMaker } from './sole-maker.ts';

export type GenerateOptions = MakeOptions & {
  name: string;
  /** The file with the answers to drizzle-kit's questions. */
  hints: string | undefined;
};

/** `asks`: nothing was done, because drizzle-kit has questions, which are there as JSON of its own. */
export type Generated =
  | { status: 'done'; adopted: MadePair[]; made: MadePair | undefined }
  | { status: 'asks'; asked: string };

/**
 * Makes the pair of what changed in the schema files, after those of snapshots that have none yet. Nothing comes into
 * the folder of the migrations before it is proved; what is refused is kept in its folder of drizzle-kit, where the
 * next call takes it up again.
 * @throws MigrationError; pairs before the one that failed stay
 */
export function generatePairs(options: GenerateOptions): Promise<Generated> {
  const project = findProject(options.directory);
  return soleMaker(project.migrations, options.lockTimeoutSeconds, async () => {
    const hints = options.hints === undefined ? [] : await readHints(options.hints);
    await removeUnfinished(project);
    const orphans = await orphansOf(project);
    await refuseInvalid(project);
    const plan = await planChange(project.root, hints);
    if (plan.status === 'asks') return plan;
    if (plan.status === 'unchanged' && orphans.length === 0)
      return { status: 'done', adopted: [], made: undefined };
    return options.withDatabase((url) => makeAll(project, orphans, plan, hints, options, url));
  });
}

/** What is there must be in order before anything is put on top of it. */
async function refuseInvalid(project: Project): Promise<void> {
  await readMigrations(project.migrations);
  const faults = await faultsOfHistory(project.root);
  if (faults.length > 0) throw new MigrationError(EXIT.filesInvalid, faults);
}

async function makeAll(
  project: Project,
  orphans: readonly SnapshotFolder[],
  plan: Plan,
  hints: readonly Hint[],
  options: GenerateOptions,
  url: string,
): Promise<Generated> {
  const adopted: MadePair[] = [];
  for (const orphan of orphans) {
    const folder = await placeBehindPairs(project, orphan);
    adopted.push(await makePair(project, folder, options, url));
  }
  if (plan.status !== 'changed') return { status: 'done', adopted, made: undefined };
  return { status: 'done', adopted, made: await makeNew(project, hints, options, url) };
}

async function makeNew(
  project: Project,
  hints: readonly Hint[],
  options: GenerateOptions,
  url: string,
): Promise<MadePair> {
  const name = await writeChange(project.root, options.name, hints);
  let folder: SnapshotFolder | undefined;
  try {
    const folders = await readSnapshots(project.drizzle);
    const written = folders.find((one) => one.name === name);
    if (written === undefined)
      throw new Error(`drizzle-kit wrote ${name} elsewhere than in ${project.drizzle}`);
    folder = await placeBehindPairs(project, written);
    return await makePair(project, folder, options, url);
  } catch (error) {
    // For any other reason than the pair itself, the next call can do it all again.
    const path = folder?.path ?? join(project.drizzle, name);
    if (!(error instanceof AttemptKept)) await rm(path, { recursive: true, force: true });
    throw error;
  }
}
