import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { describe } from '../../database/errors.ts';
import type { Observe } from '../../observe/events.ts';
import { applyMigration } from '../apply.ts';
import { EXIT, MigrationError } from '../error.ts';
import type { Migration } from '../files.ts';
import { ensureLedger } from '../ledger-table.ts';
import { type ReadyMigration, readyPairs } from '../ready.ts';
import { rollBackMigration } from '../rollback.ts';
import type { RunOptions } from '../run-script.ts';
import { prepareSession, sqlState, withSession } from '../session.ts';
import { type Description, describeSchema, invalidIndexes } from './describe-schema.ts';
import { differences } from './difference.ts';

export interface ProofOptions {
  /** Of an empty database. */
  url: string;
  observe: Observe;
  lockTimeoutSeconds: number;
  waitSeconds: number;
  /** Where `<id>.sql` has rows that a database may hold once `<id>` is applied. */
  rows: string;
}

/** What was proved of a pair. */
export interface Proof {
  id: string;
  tookMs: number;
  /** False when its DOWN says that it is irreversible. */
  backwards: boolean;
}

/** A pair that does not do what a pair must. */
export class PairRefused extends MigrationError {
  readonly id: string;
  constructor(id: string, faults: readonly string[], options?: ErrorOptions) {
    super(EXIT.filesInvalid, faults, options);
    this.id = id;
  }
}

/**
 * Applies all migrations to an empty database, in order and as `--up` does it. Those that are to be proved go up, down
 * to the schema that was before, and up to the same again.
 * @throws PairRefused with what went wrong or what differs; MigrationError with what no file may hold
 */
export async function prove(
  migrations: readonly Migration[],
  isWanted: (id: string) => boolean,
  options: ProofOptions,
): Promise<Proof[]> {
  const proofs: Proof[] = [];
  const ready = await readyPairs(migrations);
  await withSession(options, async (client) => {
    const run = { ...options, settings: await prepareSession(client, options.lockTimeoutSeconds) };
    await ensureLedger(client);
    for (const migration of ready) {
      if (isWanted(migration.id)) proofs.push(await roundTrip(client, migration, run));
      else await up(client, migration, run);
      await insertRows(client, migration.id, run);
    }
  });
  return proofs;
}

type Run = ProofOptions & RunOptions;

async function roundTrip(client: pg.Client, migration: ReadyMigration, run: Run): Promise<Proof> {
  const { id, down } = migration;
  const startedAt = performance.now();
  const before = await describeSchema(client);
  await up(client, migration, run);
  const after = await describeSchema(client);
  refuseInvalid(id, after);
  const backwards = down.irreversible === undefined;
  if (backwards) {
    await insertRows(client, id, run);
    await runOrRefuse(id, () => rollBackMigration(client, migration, run));
    refuseDifference(
      id,
      'the DOWN does not lead back to the schema from before the UP',
      differences(before, await describeSchema(client), { wanted: 'before the UP', found: 'after the DOWN' }),
    );
    await up(client, migration, run);
    refuseDifference(
      id,
      'after its DOWN, the UP does not make the same again',
      differences(after, await describeSchema(client), {
        wanted: 'the first time',
        found: 'the second time',
      }),
    );
  }
  return { id, tookMs: performance.now() - startedAt, backwards };
}

function up(client: pg.Client, migration: ReadyMigration, run: Run): Promise<void> {
  return runOrRefuse(migration.id, () => applyMigration(client, migration, run));
}

async function runOrRefuse(id: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof MigrationError) || error.exitCode !== EXIT.sqlFailed) throw error;
    throw new PairRefused(id, error.faults, { cause: error });
  }
}

/** The rows of an earlier call may have survived the round trip; then they are left as they are. */
async function insertRows(client: pg.Client, id: string, { rows, settings }: Run): Promise<void> {
  const sql = await readFile(join(rows, `${id}.sql`), 'utf8').catch(noneIfMissing);
  if (sql === undefined) return;
  try {
    await client.query(settings);
    await client.query(sql);
  } catch (error) {
    if (sqlState(error) === UNIQUE_VIOLATION) return;
    const { message, code } = describe(error);
    throw new PairRefused(id, [`drizzle/rows/${id}.sql: ${message} (${code})`], { cause: error });
  }
}

const UNIQUE_VIOLATION = '23505';

function noneIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function refuseInvalid(id: string, after: Description): void {
  const invalid = invalidIndexes(after).map((index) => `  ${index}`);
  refuseDifference(id, 'the UP leaves indexes behind that are of no use', invalid);
}

function refuseDifference(id: string, what: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  const shown = lines.slice(0, MOST_LINES);
  const more = lines.length > MOST_LINES ? [`  and ${lines.length - MOST_LINES} more`] : [];
  throw new PairRefused(id, [`${id}: ${what}:`, ...shown, ...more]);
}

const MOST_LINES = 40;
