import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { OwnServer } from '../../test/support/own-server.ts';
import type { TcpProxy } from '../../test/support/tcp-proxy.ts';

/** What faults hit. */
export interface Targets {
  server: OwnServer;
  /** The runner's way to the server. */
  proxy: TcpProxy;
  /** The benchmark's own way. */
  database: pg.Pool;
}

export interface Fault {
  name: string;
  /** Resolves when it is over. @returns since when it has been, in milliseconds since 1970 */
  happen(targets: Targets): Promise<number>;
}

/** Tells how much two measurements differ without any fault. */
export const NONE: Fault = {
  name: 'nothing',
  happen: async () => Date.now(),
};

export function storm(ms: number): Fault {
  return {
    name: `all its sessions ended for ${ms / 1000} s`,
    async happen({ database }) {
      const startedAt = Date.now();
      for (;;) {
        const endedAt = Date.now();
        await database.query(END_SESSIONS);
        if (endedAt - startedAt > ms) return endedAt;
        await sleep(STORM_EVERY_MS);
      }
    },
  };
}

const STORM_EVERY_MS = 200;

const END_SESSIONS = `
select pg_terminate_backend(pid)
from pg_stat_activity
where application_name like 'heddle%' and datname = current_database()`;

/** PostgreSQL's fast shutdown. The fault counts as over when the server is started: its start is part of what follows. */
export const RESTART: Fault = {
  name: 'restart of PostgreSQL',
  async happen({ server }) {
    await server.stop();
    const startedAt = Date.now();
    await server.start();
    return startedAt;
  },
};

/** Nothing gets through any more, and no connection is closed. */
export function freeze(ms: number): Fault {
  return {
    name: `network frozen for ${ms / 1000} s`,
    async happen({ proxy }) {
      proxy.freeze();
      await sleep(ms);
      const thawedAt = Date.now();
      await proxy.thaw();
      return thawedAt;
    },
  };
}
