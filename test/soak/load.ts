import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '../../src/main/database/connect.ts';
import { type Submission, submit } from '../../src/main/engine/submit.ts';
import { TaskTypeCatalogue } from '../../src/main/engine/task-types.ts';
import { between, pick, type Random } from './random.ts';

/** The types of test/fixtures/soak/, and how their tasks are to end. Of others, any end will do. */
export const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'soak-quick': ['completed'],
  'soak-wait': ['completed'],
  'soak-spin': ['completed'],
  'soak-overrun': ['completed'],
  'soak-stumble': ['completed'],
  'soak-refuse': ['failed'],
  'soak-effect': ['completed'],
  // A tick is never tried again: a fault that hits it fails it.
  'soak-beat': ['completed', 'failed'],
};

/** The type that the scheduler submits, and how often. */
export const BEAT = { type: 'soak-beat', everyMs: 2000 };

/** Types whose tasks leave one effect each if, and only if, they complete. */
export const LEAVES_EFFECT: readonly string[] = ['soak-effect', BEAT.type];

/** A steady stream of submissions, as long as they are worked off. What the database has acknowledged is accepted, and must never be lost. */
export class Load {
  readonly accepted: string[] = [];
  readonly #database: Queryable;
  readonly #random: Random;
  #on = true;
  #ended: Promise<void> | null = null;

  constructor(database: Queryable, random: Random) {
    this.#database = database;
    this.#random = random;
  }

  start(): void {
    this.#ended = this.#run();
  }

  /** Resolves when nothing more is submitted. */
  async stop(): Promise<void> {
    this.#on = false;
    await this.#ended;
  }

  async #run(): Promise<void> {
    const catalogue = new TaskTypeCatalogue(this.#database);
    // However few follow on a slow machine, no type is missing.
    let all: Submission[] | null = [...new Set(MIX)].map((make) => make(this.#random));
    while (this.#on) {
      try {
        if (await this.#isBacklogged()) continue;
        const submissions = all ?? nextSubmissions(this.#random);
        const answers = await submit(this.#database, catalogue, submissions, 'soak');
        this.accepted.push(...answers.map(({ task }) => task.id));
        all = null;
      } catch {
        // The database is away: whether it took them nobody knows, and nobody relies on it.
      } finally {
        await sleep(EVERY_MS);
      }
    }
  }

  /** What is left when the faults are over has to be done in bounded time. */
  async #isBacklogged(): Promise<boolean> {
    const { rowCount } = await this.#database.query(BACKLOG, [MOST_QUEUED]);
    return rowCount === MOST_QUEUED;
  }
}

const EVERY_MS = 200;
const MOST_QUEUED = 100;
const BACKLOG = `select from tasks where status = 'queued' limit $1`;
const BUNDLE = 15;

/** What is submitted next: mostly one task, sometimes many at once, which then travel to a thread together. */
export function nextSubmissions(random: Random): Submission[] {
  if (random() < 0.08) return Array<Submission>(BUNDLE).fill({ type: 'soak-quick' });
  return [pick(random, MIX)(random)];
}

const quick = (): Submission => ({ type: 'soak-quick' });
const wait = (random: Random): Submission => submission('soak-wait', { ms: whole(random, 50, 1500) });
const spin = (random: Random): Submission => submission('soak-spin', { ms: whole(random, 5, 100) });
const effect = (random: Random): Submission => submission('soak-effect', { ms: whole(random, 0, 300) });
const stumble = (random: Random): Submission => submission('soak-stumble', { attempts: whole(random, 0, 3) });
const refuse = (): Submission => ({ type: 'soak-refuse' });
const overrun = (random: Random): Submission =>
  submission('soak-overrun', { attempts: whole(random, 0, 2), spin: random() < 0.3 });

/** As often as each stands here. */
const MIX = [
  ...[quick, quick, quick, quick, quick],
  ...[wait, wait, wait, wait],
  ...[spin, spin, stumble, stumble],
  ...[effect, effect, effect, effect],
  ...[refuse, overrun],
];

function submission(type: string, params: object): Submission {
  return { type, params };
}

function whole(random: Random, low: number, high: number): number {
  return Math.floor(between(random, low, high));
}
