import { createHash } from 'node:crypto';
import { version } from '../../package-root.ts';
import type { Operations } from '../contract/operations.ts';

/** `GET /`: a page for people who open the address in a browser. */
export function homeRoute(api: Operations): void {
  api.page('/', (c) => c.html(PAGE, 200, { 'Content-Security-Policy': POLICY }));
}

const STYLE =
  'body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem }';

const POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Heddle ${version}</title>
<style>${STYLE}</style>
<h1>Heddle ${version}</h1>
<p>A background-task engine on PostgreSQL. The API is under <code>/api/v1</code> and speaks JSON.</p>
<ul>
<li><a href="/api/v1/tasks">/api/v1/tasks</a>: submit by <code>POST</code>, list, run, cancel</li>
<li><a href="/api/v1/task-types">/api/v1/task-types</a>: what can be submitted</li>
<li><a href="/api/v1/facts">/api/v1/facts</a>: what was found out, to keep and to search</li>
<li><a href="/api/v1/periodic-tasks">/api/v1/periodic-tasks</a>: what runs by itself</li>
<li><a href="/api/v1/runners">/api/v1/runners</a>: who runs it</li>
<li><a href="/docs">/docs</a>: every operation, made from <a href="/openapi.json">/openapi.json</a></li>
<li><a href="/health">/health</a></li>
</ul>
<pre>curl ORIGIN/api/v1/tasks -H 'content-type: application/json' -d '{"type": "TYPE", "params": {}}'</pre>
</html>
`;
