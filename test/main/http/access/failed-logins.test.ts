import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { FailedLogins } from '../../../../src/main/http/access/failed-logins.ts';
import { Problem } from '../../../../src/main/http/answers/problem.ts';
import { captureEvents } from '../../../support/capture-events.ts';
import { startTestApi, type TestApi } from '../../../support/test-api.ts';

/** With a clock that stands still unless it is moved. */
function failedLogins(maxAddresses = 1000) {
  const time = { now: 1_000_000 };
  const { observe, of } = captureEvents();
  const logins = new FailedLogins(observe, { clock: () => time.now, maxAddresses });
  const fail = (address: string, times: number) => {
    for (let n = 0; n < times; n++) logins.count(address);
  };
  return { time, logins, fail, of };
}

function waitOf(work: () => void): number | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof Problem && error.status === 429);
    return Number(error.headers['Retry-After']);
  }
}

describe('an address', () => {
  it('may fail 300 times a minute, and is shut out for the rest of it at the next failure', () => {
    const { time, logins, fail, of } = failedLogins();
    fail('a', 300);
    time.now += 20_500;
    assert.equal(
      waitOf(() => logins.demandPatience('a')),
      undefined,
    );
    assert.equal(
      waitOf(() => logins.count('a')),
      40,
    );
    assert.equal(
      waitOf(() => logins.demandPatience('a')),
      40,
    );
    assert.equal(
      waitOf(() => logins.demandPatience('b')),
      undefined,
    );
    assert.deepEqual(of('address_shut_out'), [{ event: 'address_shut_out', address: 'a', failures: 301 }]);
  });

  it('is let in again after exactly the time that it was told', () => {
    const { time, logins, fail } = failedLogins();
    fail('a', 300);
    const wait = waitOf(() => logins.count('a')) as number;
    time.now += wait * 1000 - 1;
    assert.equal(
      waitOf(() => logins.demandPatience('a')),
      1,
    );
    time.now += 1;
    assert.equal(
      waitOf(() => logins.demandPatience('a')),
      undefined,
    );
    fail('a', 300);
  });

  it('that fails 300 times every minute is never shut out', () => {
    const { time, logins, fail } = failedLogins();
    for (let minute = 0; minute < 5; minute++, time.now += 60_000) fail('a', 300);
    assert.equal(
      waitOf(() => logins.demandPatience('a')),
      undefined,
    );
  });
});

describe('the failures', () => {
  it('are forgotten after their minute', () => {
    const { time, logins, fail } = failedLogins();
    for (let n = 0; n < 500; n++) fail(`${n}`, 1);
    assert.equal(logins.size, 500);
    time.now += 60_000;
    fail('another', 1);
    assert.equal(logins.size, 1);
  });

  it('of too many addresses are not kept, and never forgotten while they are counted', () => {
    const { logins, fail } = failedLogins(100);
    for (let n = 0; n < 1000; n++) fail(`${n}`, 1);
    assert.equal(logins.size, 100);
    fail('900', 299);
    assert.notEqual(
      waitOf(() => logins.count('900')),
      undefined,
    );
  });
});

describe('with tokens, an address that fails too often', () => {
  let api: TestApi;
  before(async () => {
    api = await startTestApi({ env: { API_TOKENS: 'anna:admin:the-right-secret' } });
  });
  after(() => api?.stop());
  const get = (path: string, token?: string) =>
    api.call('GET', path, undefined, token === undefined ? {} : { authorization: `Bearer ${token}` });

  it('gets 429 for what needs a token, with the right one, too, and the rest as before', async () => {
    for (let n = 0; n < 300; n++) {
      const { status } = await get('/api/v1/tasks', n % 2 === 0 ? `guess-${n}` : undefined);
      assert.equal(status, 401);
    }
    assert.equal((await get('/api/v1/tasks', 'the-right-secret')).status, 200);
    for (const token of ['wrong', 'the-right-secret', undefined]) {
      for (const path of ['/api/v1/tasks', '/openapi.json', '/nothing']) {
        const { status, headers, json } = await get(path, token);
        assert.deepEqual([status, json.type], [429, '/problems/too-many-failures']);
        const wait = Number(headers.get('retry-after'));
        assert.ok(wait > 30 && wait <= 60);
      }
    }
    for (const path of ['/health', '/health/live', '/readyz', '/']) {
      assert.equal((await get(path, 'wrong')).status, 200);
    }
    assert.equal(api.events.of('address_shut_out').length, 1);
    assert.doesNotMatch(JSON.stringify(api.events.events), /secret|guess/);
  });
});
