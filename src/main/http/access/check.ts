import type { Context, MiddlewareHandler } from 'hono';

/** Looks at a request before any route does. @throws Problem when it may not go on */
export type Check = (c: Context) => void;

/** All of them in one middleware: each layer of Hono's costs a promise or two. */
export function inOrder(checks: readonly Check[]): MiddlewareHandler {
  return function check(c, next) {
    for (const check of checks) check(c);
    return next();
  };
}
