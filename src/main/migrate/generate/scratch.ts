import { randomBytes } from 'node:crypto';
import type { Observe } from '../../observe/events.ts';
import { EXIT, MigrationError } from '../error.ts';
import { sqlState, withSession } from '../session.ts';

export interface ScratchOptions {
  /** Any database of the server to make it on. */
  url: string;
  observe: Observe;
  waitSeconds: number;
  /** Drops everything at once; `work` then fails. */
  stop: AbortSignal;
}

/** An empty database that is nobody's. */
export interface Scratch {
  url: string;
  /** Makes another database of what is in it. Nobody may be connected to it. @returns the address */
  copy(): Promise<string>;
}

/**
 * Makes a database, and drops it and its copies whatever becomes of `work`. What an earlier process left behind when
 * it was killed is dropped as well.
 * @throws MigrationError also when the role may not make databases; `stop.reason` after a stop
 */
export async function withScratch<T>(
  options: ScratchOptions,
  work: (scratch: Scratch) => Promise<T>,
): Promise<T> {
  const made: string[] = [];
  const make = async (template: string): Promise<string> => {
    options.stop.throwIfAborted();
    const name = newName();
    made.push(name);
    await create(options, name, template);
    return name;
  };
  const drop = () => dropAll(options, made);
  // The sessions in it end at once, and `work` with them.
  const dropNow = () => void drop().catch(() => {});
  options.stop.addEventListener('abort', dropNow);
  try {
    await dropAbandoned(options);
    const name = await make('template0');
    const copy = async () => addressOf(options.url, await make(name));
    const result = await work({ url: addressOf(options.url, name), copy });
    options.stop.throwIfAborted();
    return result;
  } catch (error) {
    throw options.stop.aborted ? options.stop.reason : error;
  } finally {
    options.stop.removeEventListener('abort', dropNow);
    await drop();
  }
}

const PREFIX = 'heddle_scratch_';

/** Whose it is, and from which second: by that, one that was left behind is told from one that is at work. */
function newName(): string {
  const second = Math.floor(Date.now() / 1000);
  return `${PREFIX}${second}_${process.pid}_${randomBytes(4).toString('hex')}`;
}

async function create(options: ScratchOptions, name: string, template: string): Promise<void> {
  await withSession(options, async (server) => {
    try {
      await server.query(`create database ${name} template ${template}`);
    } catch (error) {
      if (sqlState(error) !== INSUFFICIENT_PRIVILEGE) throw error;
      const message = `${server.user} may not make a scratch database on ${server.host}:${server.port}: grant it CREATEDB, or leave DATABASE_URL empty to use the embedded PostgreSQL`;
      throw new MigrationError(EXIT.sqlFailed, message, { cause: error });
    }
  });
}

const INSUFFICIENT_PRIVILEGE = '42501';

async function dropAll(options: ScratchOptions, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await withSession(options, async (server) => {
    for (const name of names) await server.query(`drop database if exists ${name} with (force)`);
  });
}

async function dropAbandoned(options: ScratchOptions): Promise<void> {
  await withSession(options, async (server) => {
    const { rows } = await server.query<{ name: string }>(ABANDONED, [PREFIX, ABANDONED_AFTER_SECONDS]);
    // Another process may be about to do the same, and one of another role may not be touched.
    for (const { name } of rows) await server.query(`drop database if exists ${name}`).catch(() => {});
  });
}

const ABANDONED_AFTER_SECONDS = 3600;

const ABANDONED = `
  select datname as name from pg_database
  where datname ~ ('^' || $1 || '[0-9]+_[0-9]+_[0-9a-f]+$')
    and split_part(datname, '_', 3)::bigint < extract(epoch from now()) - $2::integer
    and not exists (select from pg_stat_activity where pg_stat_activity.datname = pg_database.datname)`;

function addressOf(url: string, database: string): string {
  const address = new URL(url);
  address.pathname = `/${database}`;
  return address.href;
}
