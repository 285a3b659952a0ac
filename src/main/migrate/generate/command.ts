import type { Observe } from '../../observe/events.ts';
import { EXIT } from '../error.ts';
import { migrationsDirectory } from '../files.ts';
import type { Output } from '../output.ts';
import { untilStopped } from '../until-stopped.ts';
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
export async function runGenerate(
  command: GenerateCommand,
  withDatabase: WithDatabase,
  output: Output,
): Promise<number> {
  const startedAt = performance.now();
  const { name, empty, directory = migrationsDirectory, lockTimeoutSeconds } = command;
  if (empty) {
    output.print(asEmpty(await makeEmptyPair(name, directory, lockTimeoutSeconds)).join('\n'));
    return EXIT.done;
  }
  const generated = await untilStopped(NOTHING_LEFT, (stop) =>
    generatePairs({ ...makeOptions(command, withDatabase, output, stop), name, hints: command.hints }),
  );
  if (generated.status === 'asks') {
    output.print(generated.asked);
    output.complain(asQuestions(generated.asked));
    return EXIT.usage;
  }
  const { lines, warnings } = asGenerated(generated, performance.now() - startedAt);
  for (const warning of warnings) output.complain(warning);
  output.print(lines.join('\n'));
  return EXIT.done;
}

/** `heddle migrate --check`. @returns the exit code */
export async function runCheck(
  command: CheckCommand,
  withDatabase: WithDatabase,
  output: Output,
): Promise<number> {
  const startedAt = performance.now();
  const proofs = await untilStopped(NOTHING_LEFT, (stop) =>
    checkMigrations(makeOptions(command, withDatabase, output, stop)),
  );
  output.print(asChecked(proofs, performance.now() - startedAt).join('\n'));
  return EXIT.done;
}

const NOTHING_LEFT = ', and nothing of it is left';

function makeOptions(
  { lockTimeoutSeconds, waitSeconds, directory = migrationsDirectory }: CheckCommand,
  withDatabase: WithDatabase,
  output: Output,
  stop: AbortSignal,
): MakeOptions {
  return { directory, withDatabase, observe: observer(output), lockTimeoutSeconds, waitSeconds, stop };
}

/** What happens in a scratch database is nobody's business, but that one waits is. */
function observer({ complain }: Output): Observe {
  return (event) => {
    if (event.event === 'migration_waiting') complain(`waiting: ${event.reason}`);
  };
}
