/** A part of a JSON value that PostgreSQL cannot keep as it is. `pointer` is a JSON Pointer into the value. */
export interface Unstorable {
  pointer: string;
  detail: string;
}

/** What of a JSON value PostgreSQL cannot keep, or would only keep as something else; empty for nearly every value. */
export function unstorable(value: unknown): Unstorable[] {
  if (isTooDeep(value)) return [{ pointer: '', detail: `is nested deeper than ${MAX_DEPTH} levels` }];
  return looksStorable(JSON.stringify(value) ?? '') ? [] : [...walk(value, '')];
}

/** Whether a JSON value is nested so deep that it cannot be kept, nor safely be written as JSON. */
export function isTooDeep(value: unknown): boolean {
  return isDeeper(value, MAX_DEPTH);
}

/**
 * Whether there is certainly nothing unstorable in a value: true for nearly every one, and cheap to ask for whoever
 * writes it as JSON anyway.
 * @param json as JSON.stringify writes it
 */
export function looksStorable(json: string): boolean {
  return !SUSPICIOUS.test(json);
}

/** A few thousand levels exhaust the stack, ours in JSON.stringify and PostgreSQL's in its parser. */
const MAX_DEPTH = 128;

/**
 * A NUL or lone surrogate as JSON.stringify escapes them (an escaped backslash before it can look the same), or the
 * `null` that it writes for a number that is none: JSON.parse makes Infinity of 1e999.
 */
const SUSPICIOUS = /\\u(0000|d[89a-f]..)|null/;

const BAD_TEXT = 'holds a NUL character or half of a surrogate pair, which PostgreSQL cannot keep';
const BAD_NUMBER = 'is beyond the range of numbers';

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const key in value) if (isDeeper(value[key as keyof typeof value], levels - 1)) return true;
  return false;
}

function* walk(value: unknown, pointer: string): Generator<Unstorable> {
  if (typeof value === 'string') {
    if (!isStorable(value)) yield { pointer, detail: BAD_TEXT };
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) yield { pointer, detail: BAD_NUMBER };
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      const at = `${pointer}/${escapePointer(key)}`;
      if (isStorable(key)) yield* walk(inner, at);
      else yield { pointer: at, detail: BAD_TEXT };
    }
  }
}

export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

/** A name as a reference token of a JSON Pointer (RFC 6901). */
export function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** The name that a reference token stands for. */
export function unescapePointer(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}
