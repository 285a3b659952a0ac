import type { Hono } from 'hono';
import type { Config } from '../../config.ts';
import type { Observe } from '../../observe/events.ts';
import { authenticate } from './authenticate.ts';
import { refuseForeignNames, refuseForeignPages } from './browsers.ts';
import { type Check, inOrder } from './check.ts';
import { clientAddress } from './client-address.ts';
import { allowOrigins } from './cors.ts';
import { FailedLogins } from './failed-logins.ts';
import { limitRate } from './rate-limit.ts';

/**
 * Closes an app to strangers, before any route is mounted: what a browser may do for whom, then who calls, then how
 * often. Which role an operation needs is the operation's own affair.
 */
export function guard(app: Hono, http: Config['http'], observe: Observe): void {
  const { protection, host, corsOrigins, tokens, trustedProxies, rateLimit } = http;
  const addressOf = clientAddress(trustedProxies);
  const checks: Check[] = [
    refuseForeignPages(corsOrigins),
    authenticate({ tokens, failedLogins: new FailedLogins(observe), addressOf }),
  ];
  if (protection === 'loopback') checks.unshift(refuseForeignNames(host));
  if (rateLimit !== undefined) {
    checks.push(limitRate({ rate: rateLimit, byToken: protection === 'tokens', addressOf }));
  }
  if (corsOrigins.length > 0) app.use(allowOrigins(corsOrigins));
  app.use(inOrder(checks));
}
