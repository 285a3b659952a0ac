import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../src/main/package-root.ts';

const folder = join(packageRoot, 'bench');

/** Drains its own queue as `drain-engine` does ours. */
export const PEER: URL = pathToFileURL(join(folder, 'peers', 'graphile-worker.mjs'));

/** Whether what `bench/package.json` names is there; it is installed from its lock file when it is not. */
export function peersAreInstalled(say: (line: string) => void): boolean {
  if (PEERS.every((name) => existsSync(join(folder, 'node_modules', name)))) return true;
  say('installing graphile-worker and autocannon into bench/node_modules: npm ci --prefix bench');
  const { status } = spawnSync('npm', ['ci', '--prefix', folder, '--no-audit', '--no-fund'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 60_000,
  });
  return status === 0;
}

const PEERS = ['graphile-worker', 'autocannon'];
