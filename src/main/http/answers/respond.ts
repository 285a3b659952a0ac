import type { Context } from 'hono';
import type { StatusCode } from 'hono/utils/http-status';

declare module 'hono' {
  interface ContextVariableMap {
    answerHeaders: AnswerHeaders;
  }
}

/** What the answer to a request will have as headers, whichever it is. */
interface AnswerHeaders {
  readonly values: Record<string, string>;
  /** An answer has them already. */
  given: boolean;
}

/** Gives a request's answer its first headers. */
export function beginHeaders(c: Context, values: Record<string, string>): void {
  c.set('answerHeaders', { values, given: false });
}

/** Adds a header to the answer there will be. Its name is written as everywhere: `Retry-After`. */
export function addHeader(c: Context, name: string, value: string): void {
  c.get('answerHeaders').values[name] = value;
}

/**
 * Answers, as `c.body` would, for what is asked often: without objects of class Headers between here and Node, which
 * cost a tenth of a submission.
 * @param headers win over those that were added before
 */
export function respond(
  c: Context,
  body: string | null,
  status: StatusCode,
  headers: Record<string, string>,
): Response {
  const own = c.get('answerHeaders');
  own.given = true;
  return new Response(body, { status, headers: Object.assign(own.values, headers) });
}

/** Answers with JSON, as `c.json` would. */
export function respondJson(c: Context, value: unknown): Response {
  return respond(c, JSON.stringify(value), 200, JSON_TYPE);
}

const JSON_TYPE = { 'Content-Type': 'application/json' };

/** Gives an answer that was made by `c.json` or the like the headers that it lacks. */
export function complete(c: Context, answer: Response): Response {
  const { values, given } = c.get('answerHeaders');
  if (given) return answer;
  for (const name in values) {
    if (!answer.headers.has(name)) answer.headers.set(name, values[name] as string);
  }
  return answer;
}
