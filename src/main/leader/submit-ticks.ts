import type { Queryable } from '../database/connect.ts';
import type { Observe } from '../observe/events.ts';
import { MOST_WAITING, type ScheduleRow } from './schedule-row.ts';
import { SUBMIT_TICKS } from './sql/schedule.ts';
import type { TickPlan } from './ticks.ts';

/**
 * Carries a plan out: submits its ticks and moves the schedule on, both or neither. A slot is skipped while the last
 * run goes on, if the schedule wants it so.
 * @returns false when the schedule was changed since it was read, or this runner does not lead: then nothing has happened
 */
export async function submitTicks(
  database: Queryable,
  runnerId: string,
  row: ScheduleRow,
  plan: TickPlan,
  observe: Observe,
): Promise<boolean> {
  const { next } = plan;
  const full = row.waiting >= MOST_WAITING;
  const alone = row.overlap === 'skip' && !plan.catchingUp;
  const { rows } = await database.query<Answer>({
    name: 'submit-ticks',
    text: SUBMIT_TICKS,
    values: [
      row.name,
      row.schedule,
      row.timezone,
      row.last_slot,
      new Date(plan.cursor),
      next === null ? null : new Date(next),
      full ? [] : plan.due.map((slot) => new Date(slot)),
      alone,
      runnerId,
    ],
  });
  const [{ moved, goes_on, submitted }] = rows as [Answer];
  if (!moved) return false;
  const skipped = full
    ? `${MOST_WAITING} of its ticks wait already`
    : alone && goes_on
      ? 'its last run has not ended'
      : 'it was submitted before';
  tell(row.name, plan, new Set(submitted.map((slot) => slot.getTime())), skipped, observe);
  return true;
}

interface Answer {
  moved: boolean;
  /** A task of the type was unfinished. */
  goes_on: boolean;
  submitted: Date[];
}

function tell(
  task_type: string,
  { due, passedOver }: TickPlan,
  submitted: Set<number>,
  reason: string,
  observe: Observe,
): void {
  if (passedOver !== null) {
    const missed = `missed, as is every slot before ${iso(passedOver.before)}`;
    observe({ event: 'tick_skipped', task_type, slot: iso(passedOver.from), reason: missed });
  }
  for (const slot of due) {
    if (submitted.has(slot)) observe({ event: 'tick_submitted', task_type, slot: iso(slot) });
    else observe({ event: 'tick_skipped', task_type, slot: iso(slot), reason });
  }
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}
