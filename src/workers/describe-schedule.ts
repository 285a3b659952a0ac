import type { PeriodicTaskDefinition } from './define-task.ts';
import { everySeconds } from './every.ts';
import { oneOf, trueOrFalse } from './option-checks.ts';
import type { TaskTypeDescription } from './protocol.ts';

type Schedule = NonNullable<TaskTypeDescription['schedule']>;

/** What a periodic task says of when it runs. @throws Error when that is never, or cannot be read */
export async function describeSchedule(definition: PeriodicTaskDefinition): Promise<Schedule> {
  const { every, cron, timezone = 'UTC', missed = 'once', overlap = 'skip' } = definition;
  const { runOnStart = every !== undefined } = definition;
  if ((every === undefined) === (cron === undefined))
    throw new Error('a periodic task needs either every or cron');
  oneOf('missed', missed, ['skip', 'once', 'all']);
  oneOf('overlap', overlap, ['skip', 'queue']);
  checkZone(timezone);
  if (cron !== undefined) await checkCron(cron, timezone);
  return {
    every: every ?? null,
    everySeconds: every === undefined ? null : everySeconds(every),
    cron: cron ?? null,
    timezone,
    missed,
    overlap,
    runOnStart: trueOrFalse('runOnStart', runOnStart),
  };
}

/** croner alone takes an empty one for that of this machine. */
function checkZone(timezone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
  } catch {
    throw new Error(
      `timezone '${timezone}' does not exist: it must be an IANA name, such as 'Africa/Johannesburg'`,
    );
  }
}

/** croner is imported here alone: threads that only run tasks do not need it. */
async function checkCron(cron: string, timezone: string): Promise<void> {
  const { Cron } = await import('croner');
  if (typeof cron !== 'string')
    throw new Error(`cron must be a text such as '0 3 * * *', not ${String(cron)}`);
  if (cron.length > 200) throw new Error(`cron has ${cron.length} characters, 200 is the most`);
  const fields = cron.split(/\s+/).filter((field) => field !== '').length;
  if (fields !== 5 && fields !== 6) throw new Error(`cron '${cron}' has ${fields} fields, not 5 or 6`);
  let next: Date | null;
  try {
    next = new Cron(cron, { timezone }).nextRun();
  } catch (error) {
    throw new Error(`cron '${cron}' is not valid: ${(error as Error).message}`);
  }
  if (next === null) throw new Error(`cron '${cron}' never fires`);
}
