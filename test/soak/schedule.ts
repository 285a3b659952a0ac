import { between, pick, type Random, seeded, shuffled } from './random.ts';

/** What can go wrong. */
export type FaultKind = keyof typeof FAULTS;

/** Something that goes wrong at a certain time of the soak. */
export interface Fault {
  kind: FaultKind;
  /** After the beginning. */
  atMs: number;
  /** How long it lasts: until what is down is started again, what is held goes on. */
  forMs: number;
  /** Whom it hits: a runner by its index, or null for the database and so everybody. */
  runner: number | null;
}

/** For how long a fault lasts: in milliseconds, or in leases. */
type Duration = { ms: [number, number] } | { leases: [number, number] };

const FAULTS = {
  /** SIGKILL of a runner; a new one comes after a while. */
  kill: { hits: 'runner', lasts: { ms: [0, 1500] } },
  /** SIGTERM of a runner; a new one comes after a while. */
  terminate: { hits: 'runner', lasts: { ms: [0, 1500] } },
  /** SIGSTOP and SIGCONT, within the lease. */
  pause: { hits: 'runner', lasts: { leases: [0.2, 0.6] } },
  /** SIGSTOP for so long that the lease is over. */
  'long pause': { hits: 'runner', lasts: { leases: [1.2, 2.5] } },
  /** Everything between a runner and the database stands still, and nobody is told. */
  freeze: { hits: 'runner', lasts: { leases: [0.2, 0.6] } },
  'long freeze': { hits: 'runner', lasts: { leases: [1.2, 2.5] } },
  /** The connections of a runner break. */
  cut: { hits: 'runner', lasts: { ms: [0, 0] } },
  /** The connections of a runner break, and it gets no new ones for a while. */
  outage: { hits: 'runner', lasts: { leases: [0.3, 2] } },
  /** The database ends the sessions of all runners, again and again. */
  storm: { hits: 'database', lasts: { ms: [0, 1500] } },
  /** The database is stopped, and started after a while. */
  restart: { hits: 'database', lasts: { ms: [0, 1500] } },
  /** The same, without its having had the time to end anything in order. */
  crash: { hits: 'database', lasts: { ms: [0, 1500] } },
  /** The database stands still, for all alike. */
  stall: { hits: 'database', lasts: { leases: [0.2, 1.5] } },
} satisfies Record<string, { hits: 'runner' | 'database'; lasts: Duration }>;

export const FAULT_KINDS = Object.keys(FAULTS) as FaultKind[];

export interface ScheduleOptions {
  seed: number;
  forMs: number;
  runners: number;
  leaseSeconds: number;
  /** What may go wrong. */
  kinds: readonly FaultKind[];
}

/**
 * The faults of a soak, from the first to the last: the same ones from the same options. All kinds come before one
 * comes again. Faults may overlap, but what is down is left alone until some time after it is back.
 */
export function scheduleFaults({ seed, forMs, runners, leaseSeconds, kinds }: ScheduleOptions): Fault[] {
  const random = seeded(seed);
  const faults: Fault[] = [];
  const freeAt = { database: 0, runners: Array<number>(runners).fill(0) };
  let deck: FaultKind[] = [];
  let atMs = FIRST_MS;
  while (kinds.length > 0) {
    if (deck.length === 0) deck = shuffled(random, kinds);
    const kind = deck.pop() as FaultKind;
    const lastsMs = duration(random, FAULTS[kind].lasts, leaseSeconds);
    const hitsAll = FAULTS[kind].hits === 'database';
    atMs = Math.max(atMs, hitsAll ? freeAt.database : Math.min(...freeAt.runners));
    if (atMs > forMs) break;
    const runner = hitsAll ? null : pick(random, freeRunners(freeAt.runners, atMs));
    const untilMs = atMs + lastsMs + RESPITE_MS;
    if (runner === null) freeAt.database = untilMs;
    else freeAt.runners[runner] = untilMs;
    faults.push({ kind, atMs: Math.round(atMs), forMs: lastsMs, runner });
    atMs += between(random, GAP_MS[0], GAP_MS[1]);
  }
  return faults;
}

const FIRST_MS = 1000;
const GAP_MS = [200, 2500] as const;
/** A new process is up after about a second; some are hit before. */
const RESPITE_MS = 800;

function duration(random: Random, lasts: Duration, leaseSeconds: number): number {
  const [low, high] = 'ms' in lasts ? lasts.ms : lasts.leases.map((leases) => leases * leaseSeconds * 1000);
  return Math.round(between(random, low as number, high as number));
}

function freeRunners(freeAt: readonly number[], atMs: number): number[] {
  return freeAt.flatMap((time, runner) => (time <= atMs ? [runner] : []));
}
