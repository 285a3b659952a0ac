import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { steadyPort } from './steady-port.ts';

/** A way to a server of this machine that can fail as networks do. */
export class TcpProxy {
  readonly port: number;
  readonly #target: number;
  readonly #links = new Set<Link>();
  /** Connections that were accepted while nothing got through. */
  #held: Socket[] = [];
  #listener: Server | null = null;
  #frozen = false;

  /** @param target the port of the server, which need not be up */
  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(await steadyPort(), target);
    await proxy.thaw();
    return proxy;
  }

  private constructor(port: number, target: number) {
    this.port = port;
    this.#target = target;
  }

  /** The address of a database, by way of this proxy. */
  url(databaseUrl: string): string {
    const address = new URL(databaseUrl);
    address.hostname = '127.0.0.1';
    address.port = String(this.port);
    return address.href;
  }

  /** Lets nothing through any more, either way, and closes nothing: nobody is told. Who connects is accepted. */
  freeze(): void {
    this.#frozen = true;
    for (const link of this.#links) link.freeze();
  }

  /** The same for one connection. @param portAtServer where the server sees it come from */
  freezeOne(portAtServer: number): void {
    for (const link of this.#links) if (link.portAtServer === portAtServer) link.freeze();
  }

  /** Breaks what is connected now. */
  cut(): void {
    for (const link of this.#links) link.destroy();
    for (const socket of this.#held.splice(0)) socket.resetAndDestroy();
  }

  /** Lets nobody connect any more. What is connected stays. */
  refuse(): void {
    this.#listener?.close();
    this.#listener = null;
  }

  /** Ends `freeze`, `freezeOne` and `refuse`. What was on its way arrives. */
  async thaw(): Promise<void> {
    this.#frozen = false;
    for (const link of this.#links) link.thaw();
    for (const socket of this.#held.splice(0)) this.#link(socket);
    if (this.#listener !== null) return;
    const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
      this.#accept(socket),
    );
    this.#listener = listener;
    listener.listen(this.port, '127.0.0.1');
    await once(listener, 'listening');
  }

  stop(): void {
    this.refuse();
    this.cut();
  }

  #accept(socket: Socket): void {
    if (this.#frozen) this.#hold(socket);
    else this.#link(socket);
  }

  #hold(socket: Socket): void {
    socket.on('error', () => {}); // Whoever connected gave up; the link finds it closed.
    this.#held.push(socket);
  }

  #link(socket: Socket): void {
    const link = new Link(socket, connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true }));
    this.#links.add(link);
    link.onEnd(() => this.#links.delete(link));
  }
}

/** The two sockets of one connection. */
class Link {
  readonly #sockets: readonly [Socket, Socket];
  #frozen = false;

  constructor(near: Socket, far: Socket) {
    this.#sockets = [near, far];
    this.#forward(near, far);
    this.#forward(far, near);
    if (near.destroyed) far.destroy();
  }

  get portAtServer(): number | undefined {
    return this.#sockets[1].localPort;
  }

  onEnd(action: () => void): void {
    for (const socket of this.#sockets) socket.once('close', () => this.#isOver() && action());
  }

  freeze(): void {
    this.#frozen = true;
    for (const socket of this.#sockets) socket.pause();
  }

  thaw(): void {
    this.#frozen = false;
    const broken = this.#sockets.some((socket) => socket.destroyed);
    for (const socket of this.#sockets) {
      if (broken) socket.destroySoon();
      else socket.resume();
    }
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Not by `pipe`, which would begin to read again by itself when the other side has drained. */
  #forward(from: Socket, to: Socket): void {
    from.on('error', () => {}); // 'close' follows, and is all that matters.
    from.on('data', (chunk) => {
      if (!to.destroyed && !to.write(chunk)) from.pause();
    });
    to.on('drain', () => {
      if (!this.#frozen) from.resume();
    });
    from.on('end', () => to.end());
    from.on('close', () => {
      if (!this.#frozen) to.destroySoon();
    });
    from.resume();
  }

  #isOver(): boolean {
    return this.#sockets.every((socket) => socket.destroyed);
  }
}
