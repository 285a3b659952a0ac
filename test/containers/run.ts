import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../src/main/package-root.ts';
import { run } from './support/docker.ts';
import { buildImages } from './support/images.ts';

/**
 * What `npm run test:containers [part of a file's name …]` does: builds the images, lets every scenario, or those whose
 * name contains one of the arguments, work with real containers, and prints what it has measured. It needs Docker with
 * BuildKit and Compose, on this machine; nothing that it starts is left.
 * @returns the exit code
 */
async function testContainers(wanted: string[]): Promise<number> {
  const { code, errors } = await run(['compose', 'version']);
  const daemon = await run(['info', '--format', '{{.ServerVersion}}']);
  if (code !== 0 || daemon.code !== 0) {
    console.error(`Docker with Compose is needed, and does not answer here:\n${errors}${daemon.errors}`);
    return 1;
  }
  const folder = mkdtempSync(join(tmpdir(), 'heddle-measured-'));
  const measured = join(folder, 'table');
  const startedAt = performance.now();
  await buildImages();
  writeFileSync(
    measured,
    `| the images built | ${((performance.now() - startedAt) / 1000).toFixed(0)} s |\n`,
  );
  try {
    const args = [
      '--enable-source-maps',
      '--test',
      '--test-reporter=spec',
      '--test-concurrency=1',
      '--test-timeout=1200000',
    ];
    const { status } = spawnSync(process.execPath, [...args, ...scenarios(wanted)], {
      cwd: packageRoot,
      stdio: 'inherit',
      env: { ...process.env, HEDDLE_MEASURED: measured },
    });
    console.log(`\n| measured | |\n| --- | --- |\n${readFileSync(measured, 'utf8')}`);
    return status ?? 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const here = dirname(fileURLToPath(import.meta.url));

function scenarios(wanted: string[]): string[] {
  return readdirSync(here)
    .filter((file) => file.endsWith('.scenario.js'))
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
    .sort()
    .map((file) => relative(packageRoot, join(here, file)));
}

process.exitCode = await testContainers(process.argv.slice(2));
