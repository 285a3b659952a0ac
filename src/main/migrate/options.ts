import type { Observe } from '../observe/events.ts';
import { migrationsDirectory } from './files.ts';

/** What every command that reaches the database can be told. */
export interface MigrateOptions {
  /** A direct connection, not one through a transaction pooler. */
  url: string;
  observe: Observe;
  /** `migrations/` of this package when unset. */
  directory?: string;
  /** How long to wait for other migrations to end, and for locks on tables. 60 when unset. */
  lockTimeoutSeconds?: number;
  /** How long to wait for a database that is not up yet. 30 when unset. */
  waitSeconds?: number;
}

/** Fills in what a caller left open. */
export function withDefaults<Options extends MigrateOptions>(options: Options) {
  return { directory: migrationsDirectory, lockTimeoutSeconds: 60, waitSeconds: 30, ...options };
}
