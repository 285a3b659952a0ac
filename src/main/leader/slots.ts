/** The times at which a schedule is due. Instants are milliseconds since 1970, by the database's clock. */
export interface Slots {
  /** The first slot after an instant; of an interval, the instant has to be a slot. Null when there is none. */
  after(instant: number): number | null;
  /** The latest slot after `cursor` and not after `now`. */
  latest(cursor: number, now: number): number | null;
  /** A cursor so far ahead of the clock was made by a clock that has been set back. */
  readonly mostAheadMs: number;
}

/** The slots of an interval: a grid that goes on from any slot. Nothing that is late moves it. */
export function everySlots(intervalMs: number): Slots {
  return {
    after: (slot) => slot + intervalMs,
    latest(cursor, now) {
      const passed = Math.floor((now - cursor) / intervalMs);
      return passed >= 1 ? cursor + passed * intervalMs : null;
    },
    mostAheadMs: intervalMs,
  };
}
