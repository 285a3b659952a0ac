import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from 'hono';
import { z } from 'zod';
import { packageRoot } from '../../package-root.ts';
import { nothingAt } from '../answers/no-route.ts';
import { openApiDocument } from '../contract/openapi.ts';
import type { Operations } from '../contract/operations.ts';

/** `/openapi.json`, and `/docs`: a page made from it. Mount it last: it tells of what is mounted before. */
export function documentationRoutes(api: Operations): void {
  // Made once, when somebody asks for it: it is the same for everybody.
  let document: string | undefined;

  api.on(
    {
      method: 'get',
      path: '/openapi.json',
      operationId: 'getOpenApi',
      summary: 'Get this document',
      tag: TAG,
      role: 'viewer',
      answers: {
        200: { description: 'OpenAPI 3.1', schema: z.looseObject({ openapi: z.string() }) },
      },
    },
    (c) => {
      document ??= JSON.stringify(openApiDocument(api.all));
      return c.body(document, 200, { 'Content-Type': 'application/json' });
    },
  );

  api.on(
    {
      method: 'get',
      path: '/docs',
      operationId: 'getDocs',
      summary: 'Read about the API in a browser, and try it',
      tag: TAG,
      role: 'viewer',
      answers: { 200: { description: 'A page', schema: z.string(), contentType: 'text/html' } },
    },
    (c) => c.html(PAGE, 200, { 'Content-Security-Policy': POLICY }),
  );

  api.on(
    {
      method: 'get',
      path: '/docs/{asset}',
      operationId: 'getDocsAsset',
      summary: 'Get a part of the page',
      tag: TAG,
      role: 'viewer',
      answers: { 200: { description: 'A script, style sheet or picture', contentType: '*/*' } },
    },
    (c) => asset(c),
  );
}

const TAG = 'documentation';

async function asset(c: Context): Promise<Response> {
  const name = c.req.param('asset') ?? '';
  const contentType = ASSETS.get(name);
  if (contentType === undefined) throw nothingAt(c);
  const content = name === START_NAME ? START : await readFile(join(ASSET_FOLDER, name));
  return c.body(content, 200, {
    'Content-Type': contentType,
    'Cache-Control': 'private, max-age=3600',
  });
}

/** Swagger UI's own files are put here by the build. */
const ASSET_FOLDER = join(packageRoot, 'dist', 'assets', 'docs');

const START_NAME = 'start.js';

const ASSETS = new Map([
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ['favicon-32x32.png', 'image/png'],
  [START_NAME, 'text/javascript; charset=utf-8'],
]);

/** Nothing from elsewhere, nothing inline. Swagger UI draws its icons as data. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Heddle API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/${START_NAME}"></script>
</html>
`;

const START = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
});
`;
