import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../../src/main/package-root.ts';
import { docker } from './docker.ts';

/** What the tests run, as compose.yaml asks for it. */
export const IMAGES = {
  HEDDLE_API_IMAGE: 'heddle-api:test',
  HEDDLE_RUNNER_IMAGE: 'heddle-runner:test',
};

/** The same of an earlier commit. */
export const PREVIOUS_IMAGES = {
  HEDDLE_API_IMAGE: 'heddle-api:previous',
  HEDDLE_RUNNER_IMAGE: 'heddle-runner:previous',
};

export const BASE = 'node:24-bookworm-slim';

const KINDS = [
  ['HEDDLE_API_IMAGE', 'Dockerfile.api'],
  ['HEDDLE_RUNNER_IMAGE', 'Dockerfile.runner'],
] as const;

/** Builds both, one after the other. */
export async function buildImages(images = IMAGES, context = packageRoot): Promise<void> {
  for (const [name, file] of KINDS) {
    await docker(['build', '--quiet', '--file', join(context, file), '--tag', images[name], context], {
      DOCKER_BUILDKIT: '1',
    });
  }
}

/**
 * Builds the images of an earlier commit, of its own Dockerfiles where it has them.
 * @param commit as git names it
 */
export async function buildPreviousImages(commit: string): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), 'heddle-previous-'));
  try {
    const script = 'git archive "$1" | tar --extract --directory "$2"';
    const { status, stderr } = spawnSync('sh', ['-ec', script, 'sh', commit, context], { cwd: packageRoot });
    if (status !== 0) throw new Error(`there is no commit ${commit} here: ${stderr}`);
    for (const file of [
      '.dockerignore',
      'scripts/health-check.mjs',
      ...KINDS.map(([, dockerfile]) => dockerfile),
    ]) {
      if (!existsSync(join(context, file))) await cp(join(packageRoot, file), join(context, file));
    }
    await buildImages(PREVIOUS_IMAGES, context);
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}
