/** How long, in milliseconds, and how large, in bytes, things may be that come over a connection. */
export interface ServerLimits {
  /** For the head of a request to arrive, also the first one of a connection. */
  headersTimeout: number;
  /** For the whole request to arrive; answers may take longer. */
  requestTimeout: number;
  /** Between requests. */
  keepAliveTimeout: number;
  /** While nothing at all is sent or taken, in a request or an answer. */
  idleTimeout: number;
  /** How often the first two are looked after. */
  connectionsCheckingInterval: number;
  /** Of a request's head, its address included. */
  maxHeaderSize: number;
}

export const LIMITS: ServerLimits = {
  headersTimeout: 15_000,
  requestTimeout: 120_000,
  /** Longer than load balancers keep idle connections, so that they close them and not this side. */
  keepAliveTimeout: 75_000,
  /** Twice the longest `Prefer: wait`. Streams have to send something more often. */
  idleTimeout: 120_000,
  connectionsCheckingInterval: 2000,
  maxHeaderSize: 16_384,
};

export const MAX_HEADERS = 100;
