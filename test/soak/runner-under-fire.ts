import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { atExit } from '../support/at-exit.ts';
import { CLI } from '../support/heddle.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';

/** How a runner process ended. */
export interface Exit {
  runner: number;
  pid: number;
  code: number | null;
  signal: NodeJS.Signals | null;
  /** What it had been sent to end it; null when it ended by itself. */
  asked: 'SIGKILL' | 'SIGTERM' | null;
  /** It had written to its log. */
  began: boolean;
  /** It had said that it ends to be started again. */
  degraded: boolean;
}

/**
 * A runner process that reaches the database through a proxy of its own, and is started again whenever it ends, as a
 * supervisor would.
 */
export class RunnerUnderFire {
  readonly index: number;
  readonly proxy: TcpProxy;
  /** Of all its processes so far. */
  readonly exits: Exit[] = [];
  readonly #env: Record<string, string>;
  readonly #logFolder: string;
  #child: ChildProcess | null = null;
  #asked: Exit['asked'] = null;
  #downMs = BY_ITSELF_DOWN_MS;
  #starts = 0;
  #wanted = true;

  /** @param env the whole environment of its processes, besides PATH and HOME */
  constructor(index: number, proxy: TcpProxy, env: Record<string, string>, logFolder: string) {
    this.index = index;
    this.proxy = proxy;
    this.#env = env;
    this.#logFolder = logFolder;
    atExit(() => this.#child?.kill('SIGKILL'));
  }

  /** The process that runs now, or ran last. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isUp(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  start(): void {
    this.#starts++;
    this.#asked = null;
    this.#downMs = BY_ITSELF_DOWN_MS;
    const log = join(this.#logFolder, `runner-${this.index}.${this.#starts}`);
    const child = this.#spawn(log);
    this.#child = child;
    child.once('exit', (code, signal) => {
      const said = readFileSync(`${log}.out`, 'utf8');
      const [began, degraded] = [said.length > 0, said.includes('"event":"runner_degraded"')];
      const { index: runner, pid } = this;
      this.exits.push({ runner, pid, code, signal, asked: this.#asked, began, degraded });
      void this.#startAgain();
    });
  }

  /** Sends SIGKILL. The next process comes after `downMs`. */
  async kill(downMs: number): Promise<void> {
    await this.#end('SIGKILL', downMs);
  }

  /** Sends SIGTERM and waits for the end. The next process comes after `downMs`. */
  async terminate(downMs: number): Promise<void> {
    await this.#end('SIGTERM', downMs);
  }

  /** Stops it where it is, for a while. */
  async pause(ms: number): Promise<void> {
    const child = this.#child;
    child?.kill('SIGSTOP');
    await sleep(ms);
    child?.kill('SIGCONT');
  }

  /** Ends it for good, in order. */
  async stop(): Promise<void> {
    this.#wanted = false;
    await this.#end('SIGTERM', 0);
    this.proxy.stop();
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM', downMs: number): Promise<void> {
    const child = this.#child;
    if (child === null || !this.isUp) return;
    this.#asked = signal;
    this.#downMs = downMs;
    const exited = once(child, 'exit');
    child.kill(signal);
    // One that does not end is killed, and its exit then tells by what.
    const overdue = setTimeout(() => child.kill('SIGKILL'), ENDS_WITHIN_MS);
    await exited;
    clearTimeout(overdue);
  }

  async #startAgain(): Promise<void> {
    await sleep(this.#downMs);
    if (this.#wanted) this.start();
  }

  #spawn(log: string): ChildProcess {
    const [out, err] = [openSync(`${log}.out`, 'w'), openSync(`${log}.err`, 'w')];
    try {
      return spawn(process.execPath, ['--enable-source-maps', CLI, 'runner'], {
        cwd: this.#logFolder,
        env: { PATH: process.env.PATH, HOME: process.env.HOME, ...this.#env },
        stdio: ['ignore', out, err],
        // Ctrl-C is for the harness, which then ends its runners.
        detached: true,
      });
    } finally {
      closeSync(out);
      closeSync(err);
    }
  }
}

/** A supervisor's delay. */
const BY_ITSELF_DOWN_MS = 300;
/** Longer than a runner takes at most over its stop. */
const ENDS_WITHIN_MS = 20_000;
