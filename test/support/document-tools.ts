import { findProgram } from '../../src/workers/program.ts';

/** Why a test is skipped on a machine that lacks one of the programs. */
export function without(...programs: string[]): string | undefined {
  const missing = programs.filter((name) => findProgram(name) === undefined);
  return missing.length === 0 ? undefined : `this machine has no ${missing.join(' and no ')}`;
}
