/*
 * The client of Heddle's HTTP API (`heddle/client`). It imports nothing but its own files and needs nothing but fetch:
 * it runs in Node, in browsers and at the edge.
 */
export {
  Client,
  type ClientOptions,
  createClient,
  type SubmitOptions,
  type WaitOptions,
} from './client.ts';
export type { Definition, PayloadOf, ResultOf, Stored } from './definition.ts';
export { ConnectionError, type Fault, HeddleError, TaskTimeoutError } from './errors.ts';
export type { Facts } from './facts.ts';
export type * from './types.ts';
export type { WatchOptions } from './watch.ts';
