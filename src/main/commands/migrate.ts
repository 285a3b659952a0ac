import type { Config } from '../config.ts';
import { runMigrateCommand } from '../migrate/command.ts';
import { withDatabase } from './with-database.ts';

/** `heddle migrate`: on the configured database, or on the embedded one. @returns the exit code */
export function migrateCommand(argv: string[], config: Config): Promise<number> {
  return runMigrateCommand(argv, (work) => withDatabase(config, work));
}
