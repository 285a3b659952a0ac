import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { START_AGAIN } from './end-process.ts';
import type { Observe } from './observe/events.ts';

/** What a runner process tells the one that started it. Metrics are in Prometheus' text format. */
export type RunnerMessage = { say: 'ready' } | { say: 'metrics'; text: string };

/** What it is asked for. */
export type RunnerQuestion = { ask: 'metrics' };

/**
 * A runner in a process of its own, started again whenever it dies: tasks can take their process down, but not the
 * API beside it. It has a session of its own, so that Ctrl-C on a terminal reaches only us, and we stop it in order.
 */
export class RunnerProcess {
  readonly #env: NodeJS.ProcessEnv;
  /** It was told to stop: whatever ends now is not started again. */
  stopping = false;
  readonly #observe: Observe;
  #child: ChildProcess | null = null;
  #restart: NodeJS.Timeout | undefined;
  /** Starts that soon ended, one after the other. */
  #failures = 0;
  #startedAt = 0;
  #wasReady = false;
  #onReady: () => void = () => {};
  #onRefusal: (error: RunnerFailed) => void = () => {};
  /** Who has asked for metrics. */
  readonly #askers = new Set<(text: string) => void>();

  constructor(databaseUrl: string, observe: Observe) {
    this.#env = { ...process.env, DATABASE_URL: databaseUrl, DATABASE_URL_FILE: '' };
    this.#observe = observe;
  }

  /**
   * Resolves when a runner is ready. One that was killed before is started again: it runs tasks by then, and one of them
   * can be what killed it.
   * @throws RunnerFailed when it has ended by itself before
   */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onReady = resolve;
      this.#onRefusal = reject;
      this.#spawn();
    });
  }

  /** Passes a signal on. Called again, it passes on another one. Resolves when the process has ended. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  }

  /** The runner's own metrics, in Prometheus' text format: nothing while it does not answer. */
  metrics(): Promise<string> {
    return new Promise((resolve) => {
      const answer = (text: string): void => {
        clearTimeout(timeout);
        this.#askers.delete(answer);
        resolve(text);
      };
      const timeout = setTimeout(() => answer(''), PATIENCE_MS);
      this.#askers.add(answer);
      const question: RunnerQuestion = { ask: 'metrics' };
      if (this.#child === null) answer('');
      else
        this.#child.send(question, (error) => {
          if (error !== null) answer(''); // It has died.
        });
    });
  }

  #spawn(): void {
    const child = fork(CLI, ['runner'], {
      env: this.#env,
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    this.#startedAt = performance.now();
    // A process that could not be made exits never: it counts as one that died.
    child.on('error', () => child.pid === undefined && child.emit('exit', null, null));
    child.on('message', (message: RunnerMessage) => this.#hear(message));
    child.on('exit', (code, signal) => this.#ended(code, signal));
  }

  #hear(message: RunnerMessage): void {
    if (message.say === 'metrics') {
      for (const answer of this.#askers) answer(message.text);
      return;
    }
    this.#wasReady = true;
    this.#onReady();
  }

  #ended(code: number | null, signal: string | null): void {
    if (this.stopping) return;
    const refuses = signal === null && code !== START_AGAIN;
    if (refuses && !this.#wasReady) this.#onRefusal(new RunnerFailed(code));
    else this.#startAgain(code, signal);
  }

  #startAgain(code: number | null, signal: string | null): void {
    if (performance.now() - this.#startedAt > LIVED_MS) this.#failures = 0;
    const restart_in_ms = this.#failures === 0 ? 0 : Math.min(30_000, 250 * 2 ** this.#failures);
    this.#failures++;
    this.#observe({ event: 'runner_died', code, signal, restart_in_ms });
    this.#restart = setTimeout(() => this.#spawn(), restart_in_ms);
  }
}

/** The runner ended before it was ready; it has said why itself. */
export class RunnerFailed extends Error {
  override name = 'RunnerFailed';
  readonly exitCode: number;
  constructor(code: number | null) {
    super(`the runner could not start (exit code ${code ?? 'none'})`);
    this.exitCode = code ?? 1;
  }
}

/** Prometheus gives up after ten seconds, on everything. */
const PATIENCE_MS = 2000;

/** Whoever has lived that long did not die of its start. */
const LIVED_MS = 60_000;

const CLI = fileURLToPath(new URL('./cli.js', import.meta.url));
