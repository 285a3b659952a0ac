import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { EXIT, MigrationError } from './error.ts';
import type { Direction } from './names.ts';

/** One SQL file, as far as it is read at a glance: what its statements are is only found out before they run. */
export interface Script {
  /** The file's name, for messages. */
  file: string;
  /** As it runs, is hashed and is kept in the ledger: without BOM, CRLF and blank ends. */
  sql: string;
  /** SHA-256 of `sql`, in hexadecimal. */
  checksum: string;
  /** False when its first lines say `-- heddle:no-transaction`. */
  transactional: boolean;
  /** The reason, when its first lines say `-- heddle:irreversible REASON`. */
  irreversible: string | undefined;
}

/** A line that keeps a file from being run. */
export interface Fault {
  line: number;
  message: string;
}

/**
 * Decodes a file and reads it as `scriptOf` does.
 * @throws MigrationError with a line for each fault, beginning with the file's name
 */
export function readScript(file: string, direction: Direction, bytes: Uint8Array): Script {
  if (!isUtf8(bytes)) throw new MigrationError(EXIT.filesInvalid, faultsOf(file, [undecodable(bytes)]));
  return scriptOf(file, direction, new TextDecoder().decode(bytes));
}

/**
 * Reads a script's directives.
 * @throws MigrationError with a line for each fault, beginning with the file's name
 */
export function scriptOf(file: string, direction: Direction, text: string): Script {
  const sql = normalise(text);
  const { directives, faults: misused } = readDirectives(sql, direction);
  const faults = [...misused, ...nulFaults(sql)];
  if (faults.length > 0) throw new MigrationError(EXIT.filesInvalid, faultsOf(file, faults));
  return {
    file,
    sql,
    checksum: createHash('sha256').update(sql).digest('hex'),
    transactional: !directives.has('no-transaction'),
    irreversible: directives.get('irreversible'),
  };
}

/** Each with its place in front. */
export function faultsOf(file: string, faults: readonly Fault[]): string[] {
  return faults.map(({ line, message }) => `${file}:${line}: ${message}`);
}

/** The first byte that decoding and encoding again does not give back. */
function undecodable(bytes: Uint8Array): Fault {
  const again = Buffer.from(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
  const at = bytes.findIndex((byte, index) => byte !== again[index]);
  return {
    line: again.toString('utf8', 0, at).split('\n').length,
    message: `byte ${at} of the file (counted from 0) is not UTF-8: save it as UTF-8`,
  };
}

function normalise(text: string): string {
  return text.replace(/\r\n/g, '\n').trimEnd();
}

/** Directives are comments in the lines before the first statement. */
function readDirectives(
  sql: string,
  direction: Direction,
): { directives: Map<string, string>; faults: Fault[] } {
  const directives = new Map<string, string>();
  const faults: Fault[] = [];
  for (const [index, line] of leadingComments(sql).entries()) {
    const [, name, rest = ''] = DIRECTIVE.exec(line) ?? [];
    if (name === undefined) continue;
    const message = misuse(name, rest, direction);
    if (message === undefined) directives.set(name, rest);
    else faults.push({ line: index + 1, message });
  }
  return { directives, faults };
}

const DIRECTIVE = /^--\s*heddle:(\S*)\s*(.*?)\s*$/;

function leadingComments(sql: string): string[] {
  const lines: string[] = [];
  for (let at = 0; at < sql.length; ) {
    const newline = sql.indexOf('\n', at);
    const end = newline === -1 ? sql.length : newline;
    const line = sql.slice(at, end);
    if (!/^\s*(--.*)?$/.test(line)) break;
    lines.push(line.trim());
    at = end + 1;
  }
  return lines;
}

function misuse(name: string, rest: string, direction: Direction): string | undefined {
  if (name === 'no-transaction') return undefined;
  if (name !== 'irreversible')
    return `heddle:${name} is not known; there are heddle:no-transaction and heddle:irreversible REASON`;
  if (direction === 'UP') return 'heddle:irreversible belongs into the DOWN file';
  return rest === '' ? 'heddle:irreversible needs its reason behind it' : undefined;
}

function nulFaults(sql: string): Fault[] {
  const at = sql.indexOf('\0');
  if (at === -1) return [];
  return [
    {
      line: sql.slice(0, at).split('\n').length,
      message: 'a NUL character cannot be sent to PostgreSQL: take it out',
    },
  ];
}

/** A statement on one line, cut at 200 characters, without the passwords in it: it is printed, logged and kept. */
export function brief(statement: string): string {
  const line = statement.slice(0, 1000).replace(PASSWORD, '$1***').replace(/\s+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}

/** Of a role or a user mapping (`password 'x'`), and in the connection string of a subscription (`password=x`). */
const PASSWORD =
  /(\bpassword(?:\s+|\s*=\s*))(?:e?'(?:[^'\\]|''|\\.)*'?|\$(\w*)\$.*?(?:\$\2\$|$)|(?<==\s*)[^\s']+)/gis;
