import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Hono } from 'hono';
import { clientAddress, networkOf } from '../../../../src/main/http/access/client-address.ts';

/** What is made of a request from `peer` with such an X-Forwarded-For. */
async function addressOf(
  trustedProxies: number,
  peer: string | undefined,
  forwarded?: string,
): Promise<string> {
  const find = clientAddress(trustedProxies);
  const app = new Hono().get('/', (c) => c.text(find(c)));
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  const env = peer === undefined ? undefined : { incoming: { socket: { remoteAddress: peer } } };
  return (await app.request('/', { headers }, env)).text();
}

describe('where a request comes from', () => {
  it('is what its socket says, whatever it says itself', async () => {
    assert.equal(await addressOf(0, '192.0.2.1'), '192.0.2.1');
    assert.equal(await addressOf(0, '192.0.2.1', '198.51.100.7'), '192.0.2.1');
    assert.equal(await addressOf(0, undefined), 'local');
    assert.equal(await addressOf(0, undefined, '198.51.100.7'), 'local');
  });

  it('is whom the outermost of the trusted proxies was called by', async () => {
    const chain = '203.0.113.1, 198.51.100.7,198.51.100.8';
    assert.equal(await addressOf(1, '10.0.0.1', chain), '198.51.100.8');
    assert.equal(await addressOf(2, '10.0.0.1', chain), '198.51.100.7');
    assert.equal(await addressOf(3, '10.0.0.1', chain), '203.0.113.1');
  });

  it('is the socket when a proxy was gone round, or wrote something else', async () => {
    for (const forwarded of [undefined, '', ' ', 'unknown', '_hidden', '198.51.100.7, x', '1.2.3', ',']) {
      assert.equal(await addressOf(1, '10.0.0.1', forwarded), '10.0.0.1', forwarded);
    }
    assert.equal(await addressOf(2, '10.0.0.1', '198.51.100.7'), '10.0.0.1');
  });

  it('cannot be changed by what the caller writes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[ -~]{0,60}$/), async (forged) => {
        assert.equal(await addressOf(0, '10.0.0.1', forged), '10.0.0.1');
        assert.equal(await addressOf(1, '10.0.0.1', `${forged}, 198.51.100.8`), '198.51.100.8');
        assert.equal(await addressOf(2, '10.0.0.1', `${forged}, 198.51.100.7, 10.0.0.2`), '198.51.100.7');
      }),
    );
  });

  it('may have a port', async () => {
    assert.equal(await addressOf(1, '10.0.0.1', '198.51.100.7:1234'), '198.51.100.7');
    assert.equal(await addressOf(1, '10.0.0.1', '[2001:db8::1]:1234'), '2001:db8:0:0::/64');
    assert.equal(await addressOf(1, '10.0.0.1', '[2001:db8::1]'), '2001:db8:0:0::/64');
  });
});

describe('the network of an address', () => {
  const cases = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::3:4:5:6', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['local', 'local'],
  ] as const;
  for (const [address, network] of cases) {
    it(`${address} is ${network}`, () => assert.equal(networkOf(address), network));
  }

  it('is the same for all addresses in it, however they are written', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const network = networkOf(address);
        const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
        assert.equal(networkOf(canonical), network);
        assert.match(network, /^([\da-f]{1,4}:){4}:\/64$|^[\d.]+$/);
      }),
    );
  });
});
