import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A load balancer as simple as there can be: it takes turns, asks each backend for its health, and keeps connections open.
 * It tries nothing twice: what fails, its caller sees.
 */
export class Balancer {
  readonly #server = createServer((incoming, outgoing) => this.#pass(incoming, outgoing));
  readonly #agent = new Agent({ keepAlive: true });
  readonly #healthy = new Map<string, boolean>();
  #turn = 0;
  #checks: NodeJS.Timeout | undefined;

  async start(backends: readonly string[]): Promise<string> {
    await this.setBackends(backends);
    this.#checks = setInterval(() => void this.#check(), CHECK_MS);
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Those that are new have to be healthy before they get anything. */
  async setBackends(backends: readonly string[]): Promise<void> {
    for (const known of [...this.#healthy.keys()]) if (!backends.includes(known)) this.#healthy.delete(known);
    for (const backend of backends) if (!this.#healthy.has(backend)) this.#healthy.set(backend, false);
    await this.#check();
  }

  async stop(): Promise<void> {
    clearInterval(this.#checks);
    this.#server.closeAllConnections();
    this.#server.close();
    this.#agent.destroy();
    await once(this.#server, 'close');
  }

  async #check(): Promise<void> {
    await Promise.all(
      [...this.#healthy.keys()].map(async (backend) => {
        const signal = AbortSignal.timeout(CHECK_MS);
        const answer = await fetch(`${backend}/health`, { signal }).catch(() => null);
        await answer?.arrayBuffer().catch(() => {});
        if (this.#healthy.has(backend)) this.#healthy.set(backend, answer?.ok === true);
      }),
    );
  }

  #pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const healthy = [...this.#healthy].flatMap(([backend, well]) => (well ? [backend] : []));
    if (healthy.length === 0) {
      outgoing.writeHead(503).end('no backend is healthy');
      return;
    }
    this.#turn++;
    const { hostname, port } = new URL(healthy[this.#turn % healthy.length] as string);
    const { method, url: path, headers } = incoming;
    const passed = request({ agent: this.#agent, hostname, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, {
        'content-type': answer.headers['content-type'] ?? 'text/plain',
      });
      answer.pipe(outgoing);
    });
    passed.on('error', (error) => {
      if (!outgoing.headersSent) outgoing.writeHead(502);
      outgoing.end(String(error));
    });
    incoming.pipe(passed);
  }
}

/** Much more often than DRAIN_SECONDS. */
const CHECK_MS = 1000;
