import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { respond } from './respond.ts';

/** What is wrong with one part of a request. `pointer` is a JSON Pointer (RFC 6901) into its body. */
export interface ProblemDetail {
  detail: string;
  pointer: string;
}

/**
 * An answer that is not a success, as RFC 9457 has it. Throw it anywhere in a handler.
 * `type` becomes the stable relative address `/problems/TYPE`.
 */
export class Problem extends Error {
  override name = 'Problem';
  readonly status: ContentfulStatusCode;
  readonly type: string;
  readonly title: string;
  readonly errors: readonly ProblemDetail[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  /** @param detail a sentence for the person who reads it */
  constructor(
    status: ContentfulStatusCode,
    type: string,
    title: string,
    detail: string,
    more: { errors?: readonly ProblemDetail[]; headers?: Record<string, string> } = {},
  ) {
    // No stack: where a refusal is thrown nobody asks, and under a flood of them it would be most of the work.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(detail);
    Error.stackTraceLimit = stackTraceLimit;
    this.status = status;
    this.type = type;
    this.title = title;
    this.errors = more.errors;
    this.headers = more.headers ?? {};
  }
}

/** Answers with a problem as `application/problem+json`. */
export function answerProblem(c: Context, problem: Problem): Response {
  return respond(c, problemJson(problem, new URL(c.req.url).pathname), problem.status, {
    'Content-Type': PROBLEM_TYPE,
    ...problem.headers,
  });
}

export const PROBLEM_TYPE = 'application/problem+json';

/** @param instance the path of the request, when there is one */
export function problemJson({ type, title, status, message, errors }: Problem, instance?: string): string {
  return JSON.stringify({ type: `/problems/${type}`, title, status, detail: message, instance, errors });
}
