import type { Context } from 'hono';
import type { Config } from '../../config.ts';
import type { Observe } from '../../observe/events.ts';
import { badParameter } from '../requests/query.ts';
import { authenticate } from './authenticate.ts';
import { refuseForeignNames, refuseForeignPages } from './browsers.ts';
import type { Check } from './check.ts';
import { clientAddress } from './client-address.ts';
import { allowOrigins } from './cors.ts';
import { FailedLogins } from './failed-logins.ts';
import { limitRate } from './rate-limit.ts';

/** @returns an answer that ends the matter, for browsers that only ask @throws Problem when the request may not go on */
export type Guard = (c: Context) => Response | undefined;

/**
 * Keeps strangers out, whatever they ask for: what a browser may do for whom, then who calls, then how often. Which
 * role an operation needs is the operation's own affair.
 */
export function guard(http: Config['http'], observe: Observe): Guard {
  const { protection, host, corsOrigins, tokens, trustedProxies, rateLimit } = http;
  const addressOf = clientAddress(trustedProxies);
  const checks: Check[] = [
    ...(protection === 'loopback' ? [refuseForeignNames(host)] : []),
    refuseForeignPages(corsOrigins),
    authenticate({ tokens, failedLogins: new FailedLogins(observe), addressOf }),
    ...(rateLimit === undefined
      ? []
      : [limitRate({ rate: rateLimit, byToken: protection === 'tokens', addressOf })]),
    refuseNul,
  ];
  const allow = corsOrigins.length > 0 ? allowOrigins(corsOrigins) : undefined;
  return (c) => {
    const preflight = allow?.(c);
    if (preflight === undefined) for (const check of checks) check(c);
    return preflight;
  };
}

/** PostgreSQL can compare nothing with a NUL character. */
function refuseNul(c: Context): void {
  if (c.req.url.includes('%00')) throw badParameter('the address holds a NUL character');
}
