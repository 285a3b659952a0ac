/** What needs no token. Everything else does, also what is not there: strangers learn nothing. */
export function isOpen(path: string): boolean {
  return path === '/' || isHealth(path);
}

/** What people open in a browser, which sends no bearer token. Nothing can be changed there. */
export function isForBrowsers(path: string): boolean {
  return path === '/openapi.json' || path === '/docs' || path.startsWith('/docs/');
}

/** What load balancers ask, all the time. */
export function isHealth(path: string): boolean {
  return HEALTH_PATHS.has(path);
}

const HEALTH_PATHS: ReadonlySet<string> = new Set(['/health', '/health/live', '/readyz']);
