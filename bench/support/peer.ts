import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../src/main/package-root.ts';

const folder = join(packageRoot, 'bench');

/** Drains its own queue as `drain-engine` does ours. */
export const PEER: URL = pathToFileURL(join(folder, 'peers', 'graphile-worker.mjs'));

/** Whether the peer is there; it is installed from `bench/package-lock.json` when it is not. */
export function peerIsInstalled(say: (line: string) => void): boolean {
  if (existsSync(join(folder, 'node_modules', 'graphile-worker'))) return true;
  say('installing graphile-worker into bench/node_modules, to compare with: npm ci --prefix bench');
  const { status } = spawnSync('npm', ['ci', '--prefix', folder, '--no-audit', '--no-fund'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 60_000,
  });
  return status === 0;
}
