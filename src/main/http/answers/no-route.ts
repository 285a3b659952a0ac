import type { Context, Handler, Hono } from 'hono';
import { StaticFirstRouter } from '../contract/router.ts';
import type { Entrance } from '../entrance.ts';
import { Problem } from './problem.ts';

/**
 * Answers what no route of the app does by now: 405, with what is allowed, where another method has one, and else 404.
 * Not as routes for all methods: then two would match every request, and Hono would have to go through layers.
 */
export function answerWithoutRoute(app: Hono, entrance: Entrance): void {
  const refusals = refusalsByPath(app, entrance);
  const nothing = entrance.through('other', (c) => {
    throw nothingAt(c);
  });
  app.notFound((c) => {
    const [[[refuse] = [nothing]]] = refusals.match('ALL', c.req.path);
    return refuse(c, async () => {}) as Promise<Response>;
  });
}

export function nothingAt(c: Context): Problem {
  return new Problem(404, 'not-found', 'Not found', `There is nothing at ${c.req.path}.`);
}

function refusalsByPath(app: Hono, entrance: Entrance): StaticFirstRouter<Handler> {
  const router = new StaticFirstRouter<Handler>();
  for (const [path, methods] of methodsByPath(app)) {
    const allow = [...methods].join(', ');
    const refuse = entrance.through(path.replaceAll(/:(\w+)/g, '{$1}'), (c) => {
      const detail = `${c.req.path} does not know ${c.req.method}, only ${allow}.`;
      throw new Problem(405, 'method-not-allowed', 'Method not allowed', detail, {
        headers: { Allow: allow },
      });
    });
    router.add('ALL', path, refuse);
  }
  return router;
}

function methodsByPath(app: Hono): Map<string, Set<string>> {
  const paths = new Map<string, Set<string>>();
  for (const { path, method } of app.routes) {
    const methods = paths.get(path) ?? new Set();
    paths.set(path, methods.add(method));
    if (method === 'GET') methods.add('HEAD');
  }
  return paths;
}
