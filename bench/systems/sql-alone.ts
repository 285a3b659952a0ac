import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { connect, ENGINE_SETTINGS } from '../../src/main/database/connect.ts';
import { claim } from '../../src/main/engine/claim.ts';
import type { ClaimedTask } from '../../src/main/engine/claimed-task.ts';
import { type Decided, toColumns } from '../../src/main/engine/settle-values.ts';
import { SETTLE_COMPLETED } from '../../src/main/engine/sql/settle.ts';
import { addLiveRunner } from '../../test/support/runner-row.ts';
import { HeddleSystem } from './heddle.ts';
import type { System, SystemOptions } from './system.ts';

/** Two connections that claim and settle no-op tasks by the engine's own statements, and do nothing in between. */
export function open(options: SystemOptions, ended: () => void): System {
  return new SqlAlone(options, ended);
}

class SqlAlone extends HeddleSystem {
  readonly #pool: pg.Pool;
  readonly #runnerId = randomUUID();
  readonly #ended: () => void;

  constructor(options: SystemOptions, ended: () => void) {
    super(options, ended);
    this.#pool = connect(options.url, 'heddle bench', () => {}, {
      max: CONNECTIONS,
      settings: ENGINE_SETTINGS,
    });
    this.#ended = ended;
  }

  override async ready(): Promise<void> {
    await addLiveRunner(this.#pool, this.#runnerId);
  }

  override async start(): Promise<void> {
    for (let connection = 0; connection < CONNECTIONS; connection++) void this.#drain();
  }

  async #drain(): Promise<void> {
    const client = await this.#pool.connect();
    for (let tasks = await this.#claim(client); tasks.length > 0; tasks = await this.#claim(client)) {
      const values = toColumns(tasks.map(completed));
      await client.query({ name: 'settle-completed', text: SETTLE_COMPLETED, values });
      for (let left = tasks.length; left > 0; left--) this.#ended();
    }
    client.release();
  }

  #claim(client: pg.PoolClient): Promise<ClaimedTask[]> {
    const wanted = [{ type: 'no-op', free: AT_ONCE, quick: true, tick: false }];
    return claim(client, this.#runnerId, { wanted, most: AT_ONCE, mostSlow: AT_ONCE });
  }
}

const CONNECTIONS = 2;
/** As many as the engine claims at once. */
const AT_ONCE = 1000;

function completed(task: ClaimedTask): Decided {
  return {
    settlement: {
      task: { ...task, cancel_requested: false, retry: { strategy: 'cooldown', seconds: 0 } },
      outcome: { name: 'succeeded', result: 'null' },
      settledByTask: false,
      ranMs: 0,
      waitedMs: 0,
      endedAt: performance.now(),
      threadId: 0,
    },
    decision: {
      status: 'completed',
      delaySeconds: 0,
      attemptsBack: 0,
      result: 'null',
      error: null,
      record: null,
    },
  };
}
