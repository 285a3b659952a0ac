import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageRoot } from '../../src/main/package-root.ts';

/*
 * POSTs JSON as autocannon's command does, each request with an Idempotency-Key of its own, which the command cannot:
 * `node autocannon-keyed.js URL CONNECTIONS SECONDS BODY`. Prints the result as the command prints it.
 */

type Autocannon = (options: object) => Promise<object>;

const require = createRequire(join(packageRoot, 'bench', 'package.json'));
const autocannon = require('autocannon') as Autocannon;
const [url, connections, seconds, body] = process.argv.slice(2);
const withKey = (request: { headers: Record<string, string> }) => ({
  ...request,
  headers: {
    ...request.headers,
    'content-type': 'application/json',
    'idempotency-key': randomUUID(),
  },
});
const result = await autocannon({
  url,
  connections: Number(connections),
  duration: Number(seconds),
  requests: [{ method: 'POST', body, setupRequest: withKey }],
});
console.log(JSON.stringify(result));
