import { setFlagsFromString } from 'node:v8';
import type { Node, ParseResult } from 'libpg-query';

/** A statement as PostgreSQL's own parser sees it. */
export interface ParsedStatement {
  node: Node;
  /** Without the semicolon. */
  text: string;
  /** Where it begins, from 1. */
  line: number;
}

/** What the parser stumbled over. */
export interface SyntaxFault {
  line: number;
  message: string;
  /** The character it stood before; empty at the end. */
  at: string;
}

/** Statements up to the first fault. */
export interface Parsed {
  statements: ParsedStatement[];
  fault?: SyntaxFault;
}

/**
 * Splits SQL into its statements with the parser of PostgreSQL 18. It is loaded at the first call, because most
 * processes have nothing to parse, and its memory is never given back.
 * @param sql small: the tree takes about a hundred times the room of the text
 */
export async function parseSql(sql: string): Promise<Parsed> {
  const parser = await import('libpg-query');
  await unoptimized(() => parser.loadModule());
  const all = await tryParse(parser, sql);
  if ('statements' in all) return all;
  // So that what is wrong before it is told together with it.
  const before = await tryParse(parser, sql.slice(0, sql.slice(0, all.offset).lastIndexOf(';') + 1));
  const fault = {
    line: linesIn(sql.slice(0, all.offset)) + 1,
    message: all.message,
    at: sql.charAt(all.offset),
  };
  return { statements: 'statements' in before ? before.statements : [], fault };
}

type Parser = typeof import('libpg-query');

/**
 * Keeps V8 from optimizing the parser meanwhile: its largest function alone would take it 500 MB, for which a small
 * container has no room, and longer than all there is to parse.
 */
async function unoptimized<T>(work: () => T | Promise<T>): Promise<T> {
  for (const flag of OPTIMIZING) setFlagsFromString(`--no-${flag}`);
  try {
    return await work();
  } finally {
    for (const flag of OPTIMIZING) setFlagsFromString(`--${flag}`);
  }
}

/** Of WebAssembly, by V8's names, as they are from Node 20 to 26. */
const OPTIMIZING = ['wasm-tier-up', 'wasm-dynamic-tiering'];

async function tryParse(
  { parseSync, hasSqlDetails }: Parser,
  sql: string,
): Promise<{ statements: ParsedStatement[] } | { offset: number; message: string }> {
  // The parser refuses what is empty.
  if (sql.trim() === '') return { statements: [] };
  try {
    return { statements: readTree(sql, await unoptimized(() => parseSync(sql))) };
  } catch (error) {
    if (error instanceof RangeError) return { offset: 0, message: 'it is nested too deeply to be read' };
    if (!hasSqlDetails(error)) throw error;
    return { offset: offsetOf(sql, error.sqlDetails?.cursorPosition ?? 0), message: error.message };
  }
}

function readTree(sql: string, { stmts = [] }: ParseResult): ParsedStatement[] {
  // The parser counts in bytes.
  const bytes = Buffer.from(sql);
  let line = 1;
  let counted = 0;
  return stmts.map(({ stmt, stmt_location: start = 0, stmt_len: length }) => {
    line += linesIn(bytes.toString('utf8', counted, start));
    counted = start;
    const end = length === undefined ? bytes.length : start + length;
    return { node: stmt as Node, text: bytes.toString('utf8', start, end).trimEnd(), line };
  });
}

/** The parser tells the place of an error in characters, of which a string may need two units for one. */
function offsetOf(sql: string, characters: number): number {
  let offset = 0;
  for (let left = characters; left > 0 && offset < sql.length; left -= 1)
    offset += (sql.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1;
  return offset;
}

function linesIn(text: string): number {
  return text.split('\n').length - 1;
}
