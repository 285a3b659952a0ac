import type { Context } from 'hono';
import { Problem } from '../answers/problem.ts';
import { addHeader } from '../answers/respond.ts';
import type { Caller } from './authenticate.ts';
import type { Check } from './check.ts';
import type { AddressOf } from './client-address.ts';
import { isHealth } from './paths.ts';
import { type Rate, type Taken, TokenBuckets } from './token-bucket.ts';

interface Limit {
  rate: Rate;
  /** Whether callers have names: without tokens, all are the same. */
  byToken: boolean;
  addressOf: AddressOf;
}

/** Holds each token, and each address that has none, to a rate. Says in every answer how much of it is left. */
export function limitRate({ rate, byToken, addressOf }: Limit): Check {
  const buckets = new TokenBuckets(rate);
  const policy = `"default";q=${rate.count};w=${rate.seconds}`;
  return (c) => {
    if (isHealth(c.req.path)) return;
    const taken = buckets.take(keyOf(c));
    tell(c, taken);
    if (!taken.allowed) throw rateLimited(rate, taken);
  };

  function keyOf(c: Context): string {
    const caller = byToken ? (c.get('caller') as Caller | undefined) : undefined;
    return caller === undefined ? `address ${addressOf(c)}` : `token ${caller.actor}`;
  }

  /** As draft-ietf-httpapi-ratelimit-headers has it, and as it was usual before. */
  function tell(c: Context, { remaining, fullInSeconds }: Taken): void {
    addHeader(c, 'RateLimit-Policy', policy);
    addHeader(c, 'RateLimit', `"default";r=${remaining};t=${fullInSeconds}`);
    addHeader(c, 'RateLimit-Limit', String(rate.count));
    addHeader(c, 'RateLimit-Remaining', String(remaining));
    addHeader(c, 'RateLimit-Reset', String(fullInSeconds));
  }
}

function rateLimited({ count, seconds }: Rate, { waitSeconds }: Taken): Problem {
  const detail = `At most ${count} requests in ${seconds} s are answered; the next one in ${waitSeconds} s.`;
  return new Problem(429, 'rate-limited', 'Rate limited', detail, {
    headers: { 'Retry-After': String(waitSeconds) },
  });
}
