import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { atExit } from '../../test/support/at-exit.ts';
import { steadyPort } from '../../test/support/steady-port.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { cpuSeconds } from '../support/process-cpu.ts';
import type { Store } from './stores.ts';

/** A Redis server with its default settings: it writes a snapshot now and then, and no log of what it is told. */
export class RedisServer implements Store {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #directory: string;

  /** What `redis-server` is, such as `Redis 7.0.15`, or null when it is not installed. */
  static version(): string | null {
    const { stdout, error } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
    if (error !== undefined) return null;
    return `Redis ${/v=(\S+)/.exec(stdout)?.[1] ?? '(of an unknown version)'}`;
  }

  static async start(): Promise<RedisServer> {
    const directory = await temporaryDirectory();
    const port = await steadyPort();
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory];
    const child = spawn('redis-server', args, { stdio: 'ignore' });
    const server = new RedisServer(port, child, directory);
    atExit(() => server.#end());
    await waitFor('redis-server to listen', () => answers(port), 10_000);
    return server;
  }

  private constructor(port: number, child: ChildProcess, directory: string) {
    this.url = `redis://127.0.0.1:${port}`;
    this.#child = child;
    this.#directory = directory;
  }

  cpuMs(): number {
    return cpuSeconds(this.#child.pid) * 1000;
  }

  async tidy(): Promise<void> {}

  async drop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#end();
    await ended;
  }

  #end(): void {
    this.#child.kill('SIGKILL'); // It would write a last snapshot otherwise.
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
