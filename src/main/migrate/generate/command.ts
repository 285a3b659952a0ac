import type { HeddleEvent } from '../../observe/events.ts';
import { onStopSignals } from '../../signals.ts';
import { EXIT, MigrationError } from '../error.ts';
import { migrationsDirectory } from '../files.ts';
import { checkMigrations } from './check.ts';
import { makeEmptyPair } from './empty-pair.ts';
import { generatePairs } from './generate.ts';
import type { MakeOptions, WithDatabase } from './options.ts';
import { asChecked, asEmpty, asGenerated, asQuestions } from './report.ts';

export interface GenerateCommand extends CheckCommand {
  name: string;
  empty: boolean;
  hints: string | undefined;
}

export interface CheckCommand {
  lockTimeoutSeconds: number;
  waitSeconds: number;
  directory?: string;
}

/** `heddle migrate --generate`. @returns the exit code */
export async function runGenerate(command: GenerateCommand, withDatabase: WithDatabase): Promise<number> {
  const startedAt = performance.now();
  const { name, empty, directory = migrationsDirectory, lockTimeoutSeconds } = command;
  if (empty) return print(asEmpty(await makeEmptyPair(name, directory, lockTimeoutSeconds)));
  const generated = await untilStopped((stop) =>
    generatePairs({ ...makeOptions(command, withDatabase, stop), name, hints: command.hints }),
  );
  if (generated.status === 'asks') {
    print([generated.asked]);
    complain(asQuestions(generated.asked));
    return EXIT.usage;
  }
  const { lines, warnings } = asGenerated(generated, performance.now() - startedAt);
  for (const warning of warnings) complain(warning);
  return print(lines);
}

/** `heddle migrate --check`. @returns the exit code */
export async function runCheck(command: CheckCommand, withDatabase: WithDatabase): Promise<number> {
  const startedAt = performance.now();
  const proofs = await untilStopped((stop) => checkMigrations(makeOptions(command, withDatabase, stop)));
  return print(asChecked(proofs, performance.now() - startedAt));
}

function makeOptions(command: CheckCommand, withDatabase: WithDatabase, stop: AbortSignal): MakeOptions {
  const { lockTimeoutSeconds, waitSeconds, directory = migrationsDirectory } = command;
  return { directory, withDatabase, observe, lockTimeoutSeconds, waitSeconds, stop };
}

/** A signal takes away what was made; a second one leaves at once. */
async function untilStopped<T>(work: (stop: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const off = onStopSignals((signal) => {
    const exitCode = signal === 'SIGINT' ? 130 : 143;
    if (stop.signal.aborted) process.exit(exitCode);
    stop.abort(new MigrationError(exitCode, `stopped by ${signal}, and nothing of it is left`));
  });
  try {
    return await work(stop.signal);
  } finally {
    off();
  }
}

/** What happens in a scratch database is nobody's business, but that one waits is. */
function observe(event: HeddleEvent): void {
  if (event.event === 'migration_waiting') complain(`waiting: ${event.reason}`);
}

function print(lines: readonly string[]): typeof EXIT.done {
  process.stdout.write(`${lines.join('\n')}\n`);
  return EXIT.done;
}

function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}
