import type { Config } from '../config.ts';
import { discover } from '../engine/discover.ts';
import { taskFolders } from '../task-folders.ts';

/**
 * `heddle check`: loads every task file, in a thread, without a database. (The configuration has been read by then:
 * its faults come first.)
 * @returns the exit code
 */
export async function checkCommand(config: Config): Promise<number> {
  const folders = taskFolders(config);
  const { types, rejected } = await discover({
    databaseUrl: '',
    taskFolders: folders,
    logLevel: 'silent',
    maxHeapMb: config.runner.threadMaxHeapMb,
    bootTimeoutMs: 30_000,
  });
  for (const { name, kind, schedule, warnings } of types) {
    const when =
      schedule === null
        ? ''
        : `, ${schedule.every === null ? `cron ${schedule.cron}` : `every ${schedule.every}`}`;
    console.log(`ok       ${name} (${kind}${when})`);
    for (const warning of warnings) console.log(`warning  ${name}: ${warning}`);
  }
  for (const { file, reason } of rejected) console.error(`fault    ${file}: ${reason}`);
  console.log(`${types.length} task types in ${folders.join(' and ')}, ${rejected.length} faults`);
  return rejected.length === 0 ? 0 : 1;
}
