import type { ErrorRecord } from '../protocol.ts';
import { SECRET } from './secret-params.ts';

/* What must not be written down: credentials by their form, wherever they are, and the values of secret params. */

/**
 * A text without credentials: the values of fields such as `authorization` and `password` in JSON, bearer tokens, and
 * passwords in URLs are `[secret]`.
 */
export function redact(text: string): string {
  return SUSPICIOUS.test(text)
    ? text.replace(FIELD, `$1${SECRET}"`).replace(BEARER, `$1${SECRET}`).replace(IN_URL, `$1${SECRET}@`)
    : text;
}

/** The same, and without the values of an attempt's secret params. @param secrets of `secretTexts` */
export function redactAll(text: string, secrets: readonly string[]): string {
  return redact(secrets.reduce((rest, secret) => rest.replaceAll(secret, SECRET), text));
}

/** A line of JSON without either; numbers in it can be secret, too. */
export function redactLine(line: string, secrets: readonly string[]): string {
  return redact(secrets.length === 0 ? line : withoutSecrets(line, secrets));
}

/** What is kept of an error without either. */
export function redactError(error: ErrorRecord, secrets: readonly string[]): ErrorRecord {
  const { message, stack, cause } = error;
  return {
    ...error,
    message: redactAll(message, secrets),
    ...(stack !== undefined && { stack: redactAll(stack, secrets) }),
    ...(cause !== undefined && { cause: redactError(cause, secrets) }),
  };
}

/**
 * What is looked for in texts to hide secret values: as they are, and as they are inside of JSON. Shorter ones are left
 * out: they would be found in every other word. The longest first, because one may be a part of another.
 */
export function secretTexts(values: readonly string[]): string[] {
  const texts = values
    .filter((value) => value.length >= LEAST_LENGTH)
    .flatMap((value) => [value, JSON.stringify(value).slice(1, -1)]);
  return [...new Set(texts)].sort((a, b) => b.length - a.length);
}

const LEAST_LENGTH = 4;

/** Nearly every text passes at the first look. */
const SUSPICIOUS = /bearer |:\/\/[^\s/]*@|authorization|cookie|passw|secret|token|api[-_]?key/i;

/** A field of JSON with its value, up to that one's closing quote. */
const FIELD =
  /("(?:(?:proxy-)?authorization|cookie|set-cookie|password|passwd|secret|client_?secret|token|(?:access|refresh|id|api)_?token|(?:x-)?api[-_]?key)":\s*")(?:[^"\\]|\\.)*"/gi;

const BEARER = /(\bbearer +)[\w.~+/-]{8,}=*/gi;

/** The user's name stays. */
const IN_URL = /(:\/\/[^\s"/?#:@]*:)[^\s"/?#@]+@/g;

function withoutSecrets(line: string, secrets: readonly string[]): string {
  try {
    return `${JSON.stringify(JSON.parse(line), (_, value: unknown) => withoutSecret(value, secrets))}\n`;
  } catch {
    return redactAll(line, secrets); // A task can break pino's JSON with a formatter of its own.
  }
}

function withoutSecret(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return redactAll(value, secrets);
  return typeof value === 'number' && secrets.includes(String(value)) ? SECRET : value;
}
