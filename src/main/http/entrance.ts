import type { Context, Handler } from 'hono';
import type { Observe } from '../observe/events.ts';
import type { Guard } from './access/guard.ts';
import { requestId } from './access/request-id.ts';
import { SECURITY_HEADERS } from './access/security-headers.ts';
import { answerFailure } from './answers/failures.ts';
import { beginHeaders, complete } from './answers/respond.ts';

export interface EntranceOptions {
  observe: Observe;
  /** Who may come in. Without one, everybody. */
  guard?: Guard;
  /** Told of every answer. */
  answered?: Answered;
}

/** @param route its pattern, as the API's document has it, or `other` */
export type Answered = (c: Context, route: string, status: number, seconds: number) => void;

/**
 * Where all requests come in and all answers go out: every answer has a request id and security headers, every failure
 * is a problem, and nobody comes as far as a route who may not.
 *
 * One function around each route and no middleware: what only one handler matches, Hono calls at once, while each
 * layer in between costs promises of its own. The six that there were cost a fifth of a submission.
 */
export class Entrance {
  readonly #guard: Guard | undefined;
  readonly #answered: Answered;
  readonly #fail: ReturnType<typeof answerFailure>;

  constructor({ observe, guard, answered = () => {} }: EntranceOptions) {
    this.#guard = guard;
    this.#answered = answered;
    this.#fail = answerFailure(observe);
  }

  /** The handler of a route. @param run answers who has come in */
  through(route: string, run: (c: Context) => Response | Promise<Response>): Handler {
    return async (c) => {
      const startedAt = performance.now();
      let answer: Response;
      try {
        answer = complete(c, this.#receive(c) ?? (await run(c)));
      } catch (error) {
        answer = this.#fail(error as Error, c);
      }
      this.#answered(c, route, answer.status, (performance.now() - startedAt) / 1000);
      return answer;
    };
  }

  /** @returns the answer to a browser's question, which needs no route @throws Problem when the request may not go on */
  #receive(c: Context): Response | undefined {
    const id = requestId(c);
    c.set('requestId', id);
    // In this order: to add to the copy of a constant object takes V8 ten times as long.
    beginHeaders(c, { 'X-Request-Id': id, ...SECURITY_HEADERS });
    return this.#guard?.(c);
  }
}
