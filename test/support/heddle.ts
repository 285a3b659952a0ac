import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { atExit } from './at-exit.ts';
import { waitFor, witness } from './wait-for.ts';

/** `heddle …` as a process of its own, as a person starts it. */
export class Heddle {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  stdout = '';
  stderr = '';

  /**
   * @param env the whole environment besides PATH: what this process has does not leak in
   * @param within a command that runs another one, as `unshare` does
   */
  constructor(
    args: readonly string[],
    env: Record<string, string>,
    cwd: string,
    within: readonly string[] = [],
  ) {
    const command = [...within, process.execPath, '--enable-source-maps', CLI, ...args];
    this.child = spawn(command[0] as string, command.slice(1), {
      cwd,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      detached: true,
    });
    this.child.stdout?.on('data', (chunk) => {
      this.stdout += String(chunk);
    });
    this.child.stderr?.on('data', (chunk) => {
      this.stderr += String(chunk);
    });
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
    const dismiss = witness(() => this.#lastWords(args));
    void this.ended.finally(dismiss);
    atExit(() => {
      this.child.kill('SIGTERM');
      this.child.kill('SIGCONT'); // It may have been stopped where it is.
    });
  }

  /** The address that `heddle start` prints when it is ready. */
  async ready(): Promise<string> {
    return waitFor('heddle start to be ready', () => this.#exitedEarly() ?? this.#address(), 30_000);
  }

  /** The log lines of an event, those that are complete. */
  events(name: string): Record<string, unknown>[] {
    return this.stdout
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line.event === name);
  }

  /** The process of the runner that `heddle start` has started last. */
  async runnerPid(api: string): Promise<number> {
    const { items } = (await (await fetch(`${api}/api/v1/runners`)).json()) as {
      items: { pid: number; role: string }[];
    };
    const leader = items.find(({ role }) => role === 'leader');
    if (leader === undefined) throw new Error('no runner leads');
    return leader.pid;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal);
    return this.ended;
  }

  #lastWords(args: readonly string[]): string {
    const said = `${this.stdout}${this.stderr}`.split('\n').slice(-LAST_LINES).join('\n');
    return `heddle ${args.join(' ')} (process ${this.child.pid}) said last:\n${said}`;
  }

  #address(): string | undefined {
    return /Heddle is ready on (\S+)/.exec(this.stdout)?.[1];
  }

  #exitedEarly(): undefined {
    if (this.child.exitCode !== null)
      throw new Error(`it exited with ${this.child.exitCode}: ${this.stderr}${this.stdout}`);
  }
}

/** What `heddle` is. */
export const CLI = fileURLToPath(new URL('../../src/main/cli.js', import.meta.url));

const LAST_LINES = 30;
