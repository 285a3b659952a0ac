import { migrateUp } from '../src/main/migrate/apply.ts';
import { toldToGo } from './support/child.ts';

/* A process that applies what is in a folder, and tells the most memory it has had. */

/** What such a process measured. */
export interface Peak {
  ms: number;
  /** Resident, the whole process. */
  megabytes: number;
}

const [url = '', directory = ''] = process.argv.slice(2);
await toldToGo();
const startedAt = performance.now();
await migrateUp({ url, directory, observe: () => {} });
const ms = performance.now() - startedAt;
const peak: Peak = { ms, megabytes: process.resourceUsage().maxRSS / 1024 };
process.send?.(peak);
process.disconnect?.();
