import { type Context, Hono } from 'hono';
import type { Observe } from '../observe/events.ts';
import { inOrder } from './access/check.ts';
import { setRequestId } from './access/request-id.ts';
import { setSecurityHeaders } from './access/security-headers.ts';
import { answerFailure } from './answers/failures.ts';
import { answerProblem, Problem } from './answers/problem.ts';

/** An app without routes, in which every answer has a request id and security headers, and every failure is a problem. */
export function createBase(observe: Observe): Hono {
  const app = new Hono();
  app.onError(answerFailure(observe));
  app.notFound(answerNotFound);
  app.use(inOrder([setSecurityHeaders, setRequestId]));
  return app;
}

function answerNotFound(c: Context): Response {
  return answerProblem(c, new Problem(404, 'not-found', 'Not found', `There is nothing at ${c.req.path}.`));
}
