import type { Server, ServerResponse } from 'node:http';

/** The requests that a server is answering. */
export class RunningRequests {
  readonly #answers = new Set<ServerResponse>();
  #areLast = false;
  #noneLeft = () => {};

  constructor(server: Server) {
    // Before anybody answers: what is sent cannot be changed any more.
    server.prependListener('request', (_, response: ServerResponse) => {
      this.#answers.add(response);
      response.shouldKeepAlive &&= !this.#areLast;
      response.once('close', () => {
        this.#answers.delete(response);
        if (this.#answers.size === 0) this.#noneLeft();
      });
    });
  }

  /**
   * From now on every answer is the last of its connection, and says so. Who would use it again learns it in time: on a
   * connection that is closed without a word, a request may be lost that was on its way.
   */
  makeLast(): void {
    this.#areLast = true;
    for (const response of this.#answers) response.shouldKeepAlive = false;
  }

  /** Resolves when no request is running. */
  async ended(): Promise<void> {
    if (this.#answers.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#noneLeft = resolve;
    });
  }
}
