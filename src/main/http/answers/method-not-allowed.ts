import type { Hono } from 'hono';
import { Problem } from './problem.ts';

/** Lets every path that has routes by now answer 405, with what it does allow, to all other methods. */
export function refuseOtherMethods(app: Hono): void {
  for (const [path, methods] of methodsByPath(app)) {
    const allow = [...methods].join(', ');
    app.all(path, (c) => {
      const detail = `${c.req.path} does not know ${c.req.method}, only ${allow}.`;
      throw new Problem(405, 'method-not-allowed', 'Method not allowed', detail, {
        headers: { Allow: allow },
      });
    });
  }
}

function methodsByPath(app: Hono): Map<string, Set<string>> {
  const paths = new Map<string, Set<string>>();
  for (const { path, method } of app.routes) {
    // Middleware is for all methods.
    if (method === 'ALL') continue;
    const methods = paths.get(path) ?? new Set();
    paths.set(path, methods.add(method));
    if (method === 'GET') methods.add('HEAD');
  }
  return paths;
}
