import type { HeddleEvent, Observe } from '../../src/main/observe/events.ts';
import { waitFor } from './wait-for.ts';

type Name = HeddleEvent['event'];
type Named<N extends Name> = Extract<HeddleEvent, { event: N }>;

export interface CapturedEvents {
  observe: Observe;
  /** All so far, oldest first. */
  events: HeddleEvent[];
  of: <N extends Name>(name: N) => Named<N>[];
  /**
   * The oldest event of that name (for which the predicate holds) that no earlier `next` returned; waits up to 30 s
   * for it. An event that came before the call is not missed.
   */
  next: <N extends Name>(name: N, predicate?: (event: Named<N>) => boolean) => Promise<Named<N>>;
}

/** An `Observe` that keeps what it is told, for tests to look at and to wait for. */
export function captureEvents(): CapturedEvents {
  const events: HeddleEvent[] = [];
  const returned = new Set<HeddleEvent>();

  function of<N extends Name>(name: N): Named<N>[] {
    return events.filter((event): event is Named<N> => event.event === name);
  }

  async function next<N extends Name>(name: N, predicate: (event: Named<N>) => boolean = () => true) {
    const event = await waitFor(`the event ${name}`, () =>
      of(name).find((candidate) => !returned.has(candidate) && predicate(candidate)),
    );
    returned.add(event);
    return event;
  }

  return { observe: (event) => void events.push(event), events, of, next };
}
