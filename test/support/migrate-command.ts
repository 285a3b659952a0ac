// `heddle migrate …` as a process of its own, for the tests that look at exit codes and output, or kill it.
import { runMigrateCommand } from '../../src/main/migrate/command.ts';

process.exitCode = await runMigrateCommand(process.argv.slice(2), (work) =>
  work(process.env.DATABASE_URL as string),
);
