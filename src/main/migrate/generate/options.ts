import type { Observe } from '../../observe/events.ts';

/** Finds a database, passes on its address, and leaves the server as it was. */
export type WithDatabase = <T>(work: (url: string) => Promise<T>) => Promise<T>;

/** What making and checking pairs can be told. */
export interface MakeOptions {
  /** Of the migrations; the schema and its snapshots are beside it. */
  directory: string;
  /** The server that scratch databases are made on. */
  withDatabase: WithDatabase;
  observe: Observe;
  lockTimeoutSeconds: number;
  waitSeconds: number;
  /** Ends the work, and takes away what it made. */
  stop: AbortSignal;
}
