import type { Config } from '../config.ts';

/** How long a type's tasks are kept, in days: null where it is as everywhere. `failed` is for cancelled ones, too. */
export interface OwnRetention {
  name: string;
  completed: number | null;
  failed: number | null;
}

/** Tasks that are kept equally long. */
export interface RetentionGroup {
  ended: 'completed' | 'failed' | 'cancelled';
  days: number;
  /** Which types: these, or all but these. */
  types: readonly string[];
  these: boolean;
}

/** Groups tasks by how long they are kept. Those that are kept for ever, by 0 days, are in none. */
export function retentionGroups(
  { completedDays, failedDays }: Pick<Config['retention'], 'completedDays' | 'failedDays'>,
  own: readonly OwnRetention[],
): RetentionGroup[] {
  const all = [
    ...groupsOf('completed', completedDays, own),
    ...groupsOf('failed', failedDays, own),
    ...groupsOf('cancelled', failedDays, own),
  ];
  return all.filter(({ days }) => days > 0);
}

function groupsOf(
  ended: RetentionGroup['ended'],
  others: number,
  own: readonly OwnRetention[],
): RetentionGroup[] {
  const byDays = new Map<number, string[]>();
  for (const { name, completed, failed } of own) {
    const days = ended === 'completed' ? completed : failed;
    if (days !== null) byDays.set(days, [...(byDays.get(days) ?? []), name]);
  }
  const types = [...byDays.values()].flat();
  return [
    { ended, days: others, types, these: false },
    ...[...byDays].map(([days, names]) => ({ ended, days, types: names, these: true })),
  ];
}
