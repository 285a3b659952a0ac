import type { Limits } from '../../workers/protocol.ts';
import type { Queryable } from '../database/connect.ts';
import { Ageing } from './ageing.ts';
import { claim, claimAhead, claimByAge, type Room, type Wanted } from './claim.ts';
import { claimLimited, type Due, findDue, nextStart, takeKeys } from './claim-limited.ts';
import { ClaimPositions } from './claim-positions.ts';
import type { ClaimedTask } from './claimed-task.ts';
import { hasKeys } from './limits.ts';
import type { RunnableType } from './task-types.ts';

/** What claims set off. */
export interface TurnEvents {
  /** Tasks of a type wait for their keys. */
  keysWanted(type: string): void;
  /** A rate limit may leave room in so many milliseconds. */
  roomIn(milliseconds: number): void;
}

/**
 * Decides whose turn it is. Types without limits are claimed in one statement, each type with limits in one of its
 * own: the one that has the most urgent task goes first. Now and then a claim goes by age.
 *
 * A runner without limited types never asks whose turn it is.
 */
export class ClaimTurns {
  readonly #runnerId: string;
  readonly #database: Queryable;
  readonly #events: TurnEvents;
  readonly #limits: ReadonlyMap<string, Limits>;
  readonly #unlimited: readonly string[];
  readonly #ageing = new Ageing();
  readonly #positions: ClaimPositions;

  constructor(
    { runnerId, database, types }: { runnerId: string; database: Queryable; types: readonly RunnableType[] },
    events: TurnEvents,
    positions = new ClaimPositions(),
  ) {
    this.#runnerId = runnerId;
    this.#database = database;
    this.#events = events;
    this.#positions = positions;
    this.#limits = new Map(types.flatMap(({ name, limits }) => (limits === null ? [] : [[name, limits]])));
    this.#unlimited = types.filter(({ limits }) => limits === null).map(({ name }) => name);
  }

  /** Claims what fits. Empty: there is nothing that could start now. */
  async claim(room: Room): Promise<ClaimedTask[]> {
    if (this.#isUnlimited(room)) return this.#claimUnlimited(room);
    const tasks = this.#ageing.isDue ? await this.#claimByAge(room) : await this.#claimByUrgency(room);
    if (this.#ageing.note(tasks.length > 0)) return this.#claimByUrgency(room);
    return tasks;
  }

  /** Without limits nobody has to be asked whose turn it is; and a claim can go on from the last one. */
  async #claimUnlimited(room: Room): Promise<ClaimedTask[]> {
    const startedAt = performance.now();
    if (!this.#positions.isFromFront(startedAt)) {
      const tasks = await claimAhead(this.#database, this.#runnerId, room, this.#positions);
      this.#positions.note(tasks);
      return tasks;
    }
    const claimIt = this.#ageing.isDue ? claimByAge : claim;
    const tasks = await claimIt(this.#database, this.#runnerId, room);
    this.#positions.note(tasks);
    const now = performance.now();
    this.#positions.noteFromFront(now - startedAt, tasks.length, now);
    return this.#ageing.note(tasks.length > 0) ? this.#claimUnlimited(room) : tasks;
  }

  #isUnlimited({ wanted }: Room): boolean {
    return !wanted.some(({ type }) => this.#limits.has(type));
  }

  /** Tasks that got keys when their type still had limits are seen by nobody: they lose them. */
  takeStrayKeys(): Promise<void> {
    return takeKeys(this.#database, this.#unlimited);
  }

  async #claimByUrgency(room: Room): Promise<ClaimedTask[]> {
    for (const due of await this.#findDue(room)) {
      const tasks = await this.#claimOf(due, room, 'by urgency');
      if (tasks.length > 0) return tasks;
    }
    return [];
  }

  /** Whose turn it is goes round: what is oldest of all is not known without asking all. */
  async #claimByAge(room: Room): Promise<ClaimedTask[]> {
    const due = await this.#findDue(room);
    due.sort((a, b) => ((a.type ?? '') < (b.type ?? '') ? -1 : 1));
    const first = due.length === 0 ? 0 : this.#ageing.turn % due.length;
    for (const one of [...due.slice(first), ...due.slice(0, first)]) {
      const tasks = await this.#claimOf(one, room, 'by age');
      if (tasks.length > 0) return tasks;
    }
    return [];
  }

  async #findDue({ wanted }: Room): Promise<Due[]> {
    const due = await findDue(
      this.#database,
      wanted.map((one) => ({ ...one, limited: this.#limits.has(one.type) })),
    );
    for (const { type, keyless } of due) {
      const limits = type === null ? undefined : this.#limits.get(type);
      if (type !== null && keyless && limits !== undefined && hasKeys(limits)) this.#events.keysWanted(type);
    }
    return due;
  }

  async #claimOf({ type }: Due, room: Room, order: 'by urgency' | 'by age'): Promise<ClaimedTask[]> {
    if (type === null) {
      const wanted = room.wanted.filter((one) => !this.#limits.has(one.type));
      const claimIt = order === 'by age' ? claimByAge : claim;
      return claimIt(this.#database, this.#runnerId, { ...room, wanted });
    }
    const wanted = room.wanted.find((one) => one.type === type) as Wanted;
    const limits = this.#limits.get(type) as Limits;
    const tasks = await claimLimited(this.#database, this.#runnerId, wanted, limits, order);
    if (limits.rate !== null && tasks.length < wanted.free) await this.#lookWhenThereIsRoom(type);
    return tasks;
  }

  async #lookWhenThereIsRoom(type: string): Promise<void> {
    const inMs = await nextStart(this.#database, type);
    if (inMs !== null) this.#events.roomIn(inMs);
  }
}
