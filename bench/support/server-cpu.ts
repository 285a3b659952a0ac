import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';

/** CPU time of a PostgreSQL server on this machine. Needs Linux (`/proc`). */
export class ServerCpu {
  readonly #postmaster: number;

  static async of(databaseUrl: string): Promise<ServerCpu> {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    try {
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      return new ServerCpu(stat(rows[0]?.pid as number).parent);
    } finally {
      await client.end();
    }
  }

  private constructor(postmaster: number) {
    this.#postmaster = postmaster;
  }

  /**
   * In milliseconds, of all its processes since its start, also those that have ended. What a process has used becomes
   * the postmaster's when it ends: one that does so while the others are looked at would be missed, or count twice. Then
   * all are looked at again.
   */
  ms(): number {
    for (;;) {
      const before = stat(this.#postmaster);
      const livingMs = this.#living().reduce((sum, pid) => sum + stat(pid).ownMs, 0);
      const { ownMs, childrenMs } = stat(this.#postmaster);
      if (childrenMs === before.childrenMs) return ownMs + childrenMs + livingMs;
    }
  }

  #living(): number[] {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && stat(pid).parent === this.#postmaster);
  }
}

interface Stat {
  parent: number;
  ownMs: number;
  /** Of children that have ended. */
  childrenMs: number;
}

/** Of a process that has ended meanwhile: nothing. */
function stat(pid: number): Stat {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ').map(Number) ?? [];
    const [, parent = 0] = fields;
    const [ranNs = 0] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ').map(Number);
    const childrenMs = ((fields[13] ?? 0) + (fields[14] ?? 0)) * TICK_MS;
    return { parent, ownMs: ranNs / 1e6, childrenMs };
  } catch {
    return { parent: 0, ownMs: 0, childrenMs: 0 };
  }
}

/** In `stat`, Linux counts hundredths of a second, whatever the kernel's own clock does. */
const TICK_MS = 10;
