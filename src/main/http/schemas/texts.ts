import { z } from 'zod';
import { unescapePointer, unstorable } from '../../database/storable.ts';

/** A text that is not empty. Characters are Unicode's code points, as JSON Schema and PostgreSQL count them. */
export function characters(most: number) {
  return z
    .string()
    .min(1, 'must not be empty')
    .refine((value) => value.length <= most || isShort(value, most), `must have at most ${most} characters`)
    .meta({ maxLength: most });
}

function isShort(value: string, most: number): boolean {
  return value.length <= 2 * most && [...value].length <= most;
}

/** Refines a body: what PostgreSQL cannot keep is a fault, with its place. */
export function demandStorable(value: unknown, context: z.RefinementCtx): void {
  for (const { pointer, detail } of unstorable(value)) {
    const path = pointer.split('/').slice(1).map(unescapePointer);
    // What comes after is spared such values: it might recurse as deep as they do.
    context.addIssue({ code: 'custom', path, message: detail, continue: false });
  }
}
