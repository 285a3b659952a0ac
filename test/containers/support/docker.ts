import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { packageRoot } from '../../../src/main/package-root.ts';

/**
 * Runs Docker's command line. @returns what it prints, without its last line end
 * @throws Error with what it says on standard error
 */
export async function docker(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { code, output, errors } = await run(args, env);
  if (code !== 0) throw new Error(`docker ${args.join(' ')} ended with ${code}:\n${errors}${output}`);
  return output.trimEnd();
}

/** The same, for what may fail. */
export async function run(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; output: string; errors: string }> {
  const child = spawn('docker', args, {
    cwd: packageRoot,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    errors += String(chunk);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output, errors };
}

/** What Docker knows of a container, as far as it is asked for here. */
export interface Container {
  Id: string;
  Name: string;
  RestartCount: number;
  State: {
    Status: string;
    ExitCode: number;
    OOMKilled: boolean;
    Health?: { Status: string; Log: { Output: string }[] | null };
  };
  NetworkSettings: { Ports: Record<string, { HostIp: string; HostPort: string }[] | null> };
}

export async function inspect(container: string): Promise<Container> {
  const [found] = JSON.parse(await docker(['inspect', container])) as Container[];
  return found as Container;
}

/** The complete log lines of a container, oldest first; those that are not JSON as their text. */
export async function logOf(container: string): Promise<(Record<string, unknown> | string)[]> {
  const { output, errors } = await run(['logs', container]);
  return `${output}${errors}`
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : line));
}

export async function eventsOf(container: string, event: string): Promise<Record<string, unknown>[]> {
  const lines = await logOf(container);
  return lines.filter(
    (line): line is Record<string, unknown> => typeof line !== 'string' && line.event === event,
  );
}

/** The bytes of an image, and those of the layers that its Dockerfile adds to its base. */
export async function sizeOf(image: string, base: string): Promise<{ all: number; own: number }> {
  const bytes = async (name: string) =>
    Number(await docker(['image', 'inspect', '--format', '{{.Size}}', name]));
  const all = await bytes(image);
  return { all, own: all - (await bytes(base)) };
}
