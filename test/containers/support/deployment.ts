import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { createClient } from '../../../src/client/index.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type Container, docker, inspect } from './docker.ts';
import { IMAGES } from './images.ts';

/** A deployment by compose.yaml, under a name of its own, on ports that are free. */
export class Deployment {
  readonly project = `heddle-test-${randomBytes(4).toString('hex')}`;
  readonly #files: readonly string[];
  #env: Record<string, string>;

  /** @param files that are laid over compose.yaml */
  constructor(env: Record<string, string> = {}, files: readonly string[] = []) {
    this.#files = ['compose.yaml', ...files];
    this.#env = { API_PORTS: '0', ...IMAGES, ...env };
  }

  /** For what is started from now on. */
  set(env: Record<string, string>): void {
    this.#env = { ...this.#env, ...env };
  }

  compose(...args: string[]): Promise<string> {
    const files = this.#files.flatMap((file) => ['--file', file]);
    return docker(
      ['compose', '--progress', 'quiet', '--project-name', this.project, ...files, ...args],
      this.#env,
    );
  }

  /** Resolves when all is healthy. */
  async up(...args: string[]): Promise<void> {
    await this.compose('up', '--detach', '--wait', '--pull', 'never', '--no-build', ...args);
  }

  async down(): Promise<void> {
    await this.compose('down', '--volumes', '--remove-orphans', '--timeout', '2');
  }

  /** The containers of a service, the oldest first. */
  async containers(service: string): Promise<Container[]> {
    const ids = await this.compose('ps', '--all', '--quiet', service);
    const found = await Promise.all(ids.split('\n').filter(Boolean).map(inspect));
    return found.sort((a, b) => a.Name.localeCompare(b.Name, 'en', { numeric: true }));
  }

  async container(service: string): Promise<Container> {
    const [first] = await this.containers(service);
    if (first === undefined) throw new Error(`there is no container of ${service}`);
    return first;
  }

  /** Where each replica of the API can be reached, those that are up. */
  async urls(): Promise<string[]> {
    const containers = await this.containers('api');
    return containers.flatMap((container) => urlOf(container) ?? []);
  }

  /** A client of the API, of its first replica. */
  async client(token?: string) {
    const [url] = await this.urls();
    if (url === undefined) throw new Error('no API is up');
    return createClient({ url, token, retries: 5 });
  }

  async healthy(id: string, timeoutMs = 60_000): Promise<void> {
    await waitFor(
      `${id} to be healthy`,
      async () => (await inspect(id)).State.Health?.Status === 'healthy',
      timeoutMs,
    );
  }

  /** What psql prints, as the database's owner. */
  async sql(statement: string): Promise<string> {
    const psql = [
      'psql',
      '--username=heddle',
      '--no-align',
      '--tuples-only',
      '--command',
      statement,
      'heddle',
    ];
    return this.compose('exec', '-T', 'postgres', ...psql);
  }
}

export function urlOf({ NetworkSettings }: Container): string | undefined {
  const [published] = NetworkSettings.Ports['8000/tcp'] ?? [];
  return published === undefined ? undefined : `http://127.0.0.1:${published.HostPort}`;
}

/** Compiled task files that no image was built with. */
export const TASKS_FOLDER = fileURLToPath(new URL('../../../../test/fixtures/containers', import.meta.url));
