import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';

/** Where a request came from, as limits count it: an IPv4 address, or the /64 network of an IPv6 address. */
export type AddressOf = (c: Context) => string;

/**
 * @param trustedProxies how many proxies stand in front of the API and each append to `X-Forwarded-For` whom they were
 *   called by. What is further left in that header was written by the caller and is not looked at.
 */
export function clientAddress(trustedProxies: number): AddressOf {
  return (c) => {
    const { remoteAddress } = (c.env as Partial<HttpBindings> | undefined)?.incoming?.socket ?? {};
    const forwarded = trustedProxies > 0 ? c.req.header('x-forwarded-for') : undefined;
    const entry = forwarded?.split(',').at(-trustedProxies);
    return networkOf(withoutPort(entry ?? '') ?? remoteAddress ?? NO_SOCKET);
  };
}

/** Whoever calls the app inside this process. */
const NO_SOCKET = 'local';

/** Some proxies append the port, too. @returns undefined when the entry is no address */
function withoutPort(entry: string): string | undefined {
  const [, bracketed, v4] = /^\[(.*)\](?::\d+)?$|^([\d.]+):\d+$/.exec(entry.trim()) ?? [];
  const address = bracketed ?? v4 ?? entry.trim();
  return isIP(address) === 0 ? undefined : address;
}

/**
 * The network that one customer of a provider usually has: IPv4 addresses are scarce, of IPv6 everybody has 2^64.
 * @returns an address that is neither as it is
 */
export function networkOf(address: string): string {
  if (isIPv4(address) || !isIPv6(address)) return address;
  const groups = groupsOf(address);
  if (groups.slice(0, 6).join() === MAPPED_IPV4) {
    return groups
      .slice(6)
      .flatMap((group) => [group >> 8, group & 255])
      .join('.');
  }
  const prefix = groups.slice(0, 4).map((group) => group.toString(16));
  return `${prefix.join(':')}::/64`;
}

/** `::ffff:1.2.3.4` is how a socket that listens on IPv6, too, has 1.2.3.4. */
const MAPPED_IPV4 = '0,0,0,0,0,65535';

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const [withoutZone = ''] = address.split('%');
  const inHex = withoutZone.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [left = [], right = []] = inHex.split('::').map((half) => half.split(':').filter(Boolean));
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
}
