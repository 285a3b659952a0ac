import type { EventEmitter } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * The requests that a server is answering: the latest of each connection, on which answers go out in the order of
 * their requests.
 *
 * Kept by connection, because a Set that every request enters and leaves is made anew again and again, and V8 lets
 * each copy that has grown old keep alive what it held, and the next copy, until all garbage is collected: that was a
 * tenth of a submission's CPU, and 50 MB.
 */
export class RunningRequests {
  readonly #latest = new Map<Duplex, ServerResponse>();
  #areLast = false;

  constructor(server: Server) {
    // Before anybody answers: what is sent cannot be changed any more.
    server.prependListener('request', ({ socket }, response: ServerResponse) => {
      if (!this.#latest.has(socket)) socket.once('close', () => this.#latest.delete(socket));
      this.#latest.set(socket, response);
      response.shouldKeepAlive &&= !this.#areLast;
    });
  }

  /** The latest answer on a connection, which may be finished. */
  latestOn(socket: Duplex): ServerResponse | undefined {
    return this.#latest.get(socket);
  }

  /**
   * From now on every answer is the last of its connection, and says so. Who would use it again learns it in time: on a
   * connection that is closed without a word, a request may be lost that was on its way.
   */
  makeLast(): void {
    this.#areLast = true;
    for (const response of this.#latest.values()) response.shouldKeepAlive = false;
  }

  /** Resolves when no request is running. */
  async ended(): Promise<void> {
    for (const [socket, response] of this.#latest) {
      // An answer that has to wait for one before it knows nothing of its connection's end.
      if (!response.closed) await Promise.race([closeOf(response), closeOf(socket)]);
    }
  }
}

function closeOf(emitter: EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    emitter.once('close', resolve);
  });
}
