import { badParameter } from './query.ts';

/** Where a page of tasks ended, in a form that nobody is tempted to write by hand. */
export function toCursor(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
}

/** @throws Problem 400 when it is none of ours */
export function fromCursor(cursor: string): string {
  const digits = Buffer.from(cursor, 'base64url').toString('hex');
  if (digits.length !== 32) throw badParameter('the parameter cursor is not a next_cursor of this list');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
