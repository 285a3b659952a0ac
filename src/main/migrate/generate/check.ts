import { EXIT, MigrationError } from '../error.ts';
import { listMigrations, type Migration, readMigrations } from '../files.ts';
import { brief } from '../script.ts';
import { prepareSession, withSession } from '../session.ts';
import { readAttempt } from './attempt.ts';
import { type Description, describeSchema } from './describe-schema.ts';
import { missingFrom } from './difference.ts';
import { faultsOfHistory, planChange, schemaStatements } from './drizzle-kit.ts';
import { freshSchema } from './fresh-schema.ts';
import type { MakeOptions } from './options.ts';
import { isBuiltOn, orphansOf, pairIsGone } from './orphans.ts';
import { findProject, type Project } from './project.ts';
import { type Proof, prove } from './proof.ts';
import { withScratch } from './scratch.ts';
import { readSnapshots } from './snapshots.ts';

/**
 * Checks that every pair is complete and goes up, down and up again; that every snapshot has its pair and no branches
 * stand against each other; that the schema files hold nothing that no pair was made of; and that the migrations,
 * applied one after the other, make the schema that those files describe. Writes nothing.
 * @returns the proof of each pair
 * @throws MigrationError with every fault; only of the pairs' proofs and what follows them, the first that fails
 */
export async function checkMigrations(options: MakeOptions): Promise<Proof[]> {
  const project = findProject(options.directory);
  const migrations = await readMigrations(project.migrations);
  const faults = [...(await orphanFaults(project)), ...(await schemaFaults(project))];
  const statements = faults.length === 0 ? await schemaStatements(project.root) : undefined;
  const proofs = await options.withDatabase((url) =>
    replay(project, migrations, statements, { ...options, url }).catch((error: unknown) => {
      throw withFaultsBefore(faults, error);
    }),
  );
  refuse(faults);
  return proofs;
}

async function orphanFaults(project: Project): Promise<string[]> {
  const orphans = await orphansOf(project);
  const [folders, ids] = [await readSnapshots(project.drizzle), await listMigrations(project.migrations)];
  return Promise.all(
    orphans.map(async (folder) => {
      if (isBuiltOn(folder, folders, ids)) return pairIsGone(folder);
      const { up } = await readAttempt(folder);
      return up === undefined
        ? `drizzle/${folder.name}: it has no pair yet; heddle migrate --generate NAME makes it`
        : `drizzle/${folder.name}: its pair was refused; correct UP.sql and DOWN.sql there, then heddle migrate --generate NAME`;
    }),
  );
}

async function schemaFaults(project: Project): Promise<string[]> {
  const conflicts = await faultsOfHistory(project.root);
  if (conflicts.length > 0) return conflicts;
  const plan = await planChange(project.root, []);
  if (plan.status === 'unchanged') return [];
  const advice =
    'the schema files have a change that no pair was made of; heddle migrate --generate NAME makes it';
  const changes = plan.status === 'changed' ? plan.changes : [];
  return [advice, ...changes.map((change) => `  ${brief(change)}`)];
}

type ReplayOptions = MakeOptions & { url: string };

/** @param statements make the schema of the schema files; undefined when it is known to be another */
function replay(
  project: Project,
  migrations: readonly Migration[],
  statements: readonly string[] | undefined,
  options: ReplayOptions,
): Promise<Proof[]> {
  return withScratch(options, async (scratch) => {
    const settings = { ...options, url: scratch.url };
    const proofs = await prove(migrations, () => true, { ...settings, rows: project.rows });
    if (statements !== undefined) {
      const replayed = await describeAt(settings);
      const copy = { ...options, url: await scratch.copy() };
      compare(await freshSchema(statements, copy), replayed);
    }
    return proofs;
  });
}

function describeAt(options: ReplayOptions): Promise<Description> {
  return withSession(options, async (client) => {
    await prepareSession(client, options.lockTimeoutSeconds);
    return describeSchema(client);
  });
}

function compare(schema: Description, replayed: Description): void {
  const lines = missingFrom(schema, replayed, {
    wanted: 'in the schema files',
    found: 'after the migrations',
  });
  if (lines.length > 0) refuse(['the migrations do not make what the schema files say:', ...lines]);
}

function withFaultsBefore(faults: readonly string[], error: unknown): unknown {
  if (!(error instanceof MigrationError) || error.exitCode !== EXIT.filesInvalid) return error;
  return new MigrationError(EXIT.filesInvalid, [...faults, ...error.faults], { cause: error });
}

function refuse(faults: readonly string[]): void {
  if (faults.length > 0) throw new MigrationError(EXIT.filesInvalid, faults);
}
