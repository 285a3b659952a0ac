import type { Hono } from 'hono';
import { type Listening, type ListenOptions, listen } from '../../src/main/http/serving/server.ts';
import { LIMITS, type ServerLimits } from '../../src/main/http/serving/server-limits.ts';

type Options = Partial<Omit<ListenOptions, 'limits'>> & { limits?: Partial<ServerLimits> };

/** Serves an app on some port of 127.0.0.1. Limits of time are looked after more often than usual. */
export function serve(app: Hono, { limits, ...options }: Options = {}): Promise<Listening> {
  return listen(app, {
    host: '127.0.0.1',
    port: 0,
    maxConnections: 100,
    onlyLoopback: true,
    observe: () => {},
    limits: { ...LIMITS, connectionsCheckingInterval: 50, ...limits },
    ...options,
  });
}
