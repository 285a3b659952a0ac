import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConnectionError, HeddleError } from '../../src/client/errors.ts';
import { isWorthRepeating, pauseMs } from '../../src/client/retry.ts';

const answer = (status: number, type = 'about:blank') =>
  new HeddleError('no', { status, type, errors: [], requestId: null });

describe('a request is sent again', () => {
  it('after what passes', () => {
    for (const status of [408, 429, 502, 503, 504]) assert.ok(isWorthRepeating(answer(status), 'always'));
    assert.ok(isWorthRepeating(new ConnectionError('gone'), 'always'));
    assert.ok(isWorthRepeating(answer(409, '/problems/idempotency-in-progress'), 'always'));
  });

  it('not after what stays as it is', () => {
    for (const status of [400, 401, 403, 404, 409, 413, 415, 422, 500])
      assert.equal(isWorthRepeating(answer(status), 'always'), false);
  });

  it('only after a plain no when it must not arrive twice', () => {
    assert.ok(isWorthRepeating(answer(429), 'refused'));
    for (const error of [answer(503), new ConnectionError('gone')])
      assert.equal(isWorthRepeating(error, 'refused'), false);
  });
});

describe('the pause before that', () => {
  const grown = (tries: number, random = 1) => pauseMs(tries, null, 0, random);

  it('grows, is jittered, and has a limit', () => {
    assert.deepEqual(
      [1, 2, 3, 4].map((tries) => grown(tries)),
      [200, 400, 800, 1600],
    );
    assert.equal(grown(3, 0), 400);
    assert.equal(grown(20), 5000);
  });

  it('is as long as the API asks for, in seconds or by a date, up to a minute', () => {
    const now = Date.UTC(2026, 0, 1);
    assert.equal(pauseMs(1, '3', now, 0), 3000);
    assert.equal(pauseMs(1, new Date(now + 7000).toUTCString(), now, 0), 7000);
    assert.equal(pauseMs(1, '3600', now, 0), 60_000);
    for (const odd of ['soon', '-1', new Date(now - 7000).toUTCString()]) {
      assert.equal(pauseMs(1, odd, now, 1), 200);
    }
  });
});
