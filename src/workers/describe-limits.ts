import type { DatabaseTaskDefinition } from './define-task.ts';
import { numberBetween, wholeNumber } from './option-checks.ts';
import type { Limits } from './protocol.ts';

/** What a definition says about limits, or null when it sets none. @throws Error that names the option that is wrong */
export function describeLimits(definition: DatabaseTaskDefinition): Limits | null {
  const { maxConcurrent, concurrencyKey, maxConcurrentPerKey, rateLimit } = definition;
  optionalFunction('concurrencyKey', concurrencyKey);
  if (maxConcurrentPerKey !== undefined && concurrencyKey === undefined)
    throw new Error('maxConcurrentPerKey needs a concurrencyKey');
  if (maxConcurrent === undefined && concurrencyKey === undefined && rateLimit === undefined) return null;
  const perKey = maxConcurrentPerKey === undefined ? 1 : maxConcurrentPerKey;
  return {
    maxConcurrent: maxConcurrent === undefined ? null : wholeNumber('maxConcurrent', maxConcurrent, 1),
    maxConcurrentPerKey: concurrencyKey === undefined ? null : wholeNumber('maxConcurrentPerKey', perKey, 1),
    rate: rateLimit === undefined ? null : describeRate(rateLimit),
  };
}

function describeRate(rateLimit: NonNullable<DatabaseTaskDefinition['rateLimit']>): Limits['rate'] {
  if (typeof rateLimit !== 'object' || rateLimit === null)
    throw new Error('rateLimit must be an object with count and perSeconds');
  const { count, perSeconds, key } = rateLimit;
  optionalFunction('rateLimit.key', key);
  return {
    count: wholeNumber('rateLimit.count', count, 1),
    perSeconds: numberBetween('rateLimit.perSeconds', perSeconds, SHORTEST_SECONDS, YEAR_SECONDS),
    keyed: key !== undefined,
  };
}

/** A shorter window is no limit: a thread takes about as long for a task that does nothing. */
const SHORTEST_SECONDS = 0.001;

const YEAR_SECONDS = 31_622_400;

function optionalFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function')
    throw new Error(`${name} must be a function of the payload`);
}
