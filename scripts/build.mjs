// Builds dist/ from nothing: a compiled file whose source is gone would still be a task, or a test.
// Usage: node scripts/build.mjs [--if-stale]   with --if-stale nothing is done when nothing changed since the last build
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = `${root}dist/.built`;
const sources = ['src', 'drizzle/schema', 'examples', 'test', 'bench', 'tsconfig.json', 'package-lock.json'];

if (!process.argv.includes('--if-stale') || isStale()) process.exitCode = build();

function build() {
  const startedAt = new Date();
  rmSync(`${root}dist`, { recursive: true, force: true });
  const tsc = `${root}node_modules/typescript/bin/tsc`;
  const { status } = spawnSync(process.execPath, [tsc, '--project', root], { stdio: 'inherit' });
  if (status !== 0) return 1;
  copyDocsAssets();
  writeFileSync(stamp, '');
  utimesSync(stamp, startedAt, startedAt); // What was edited during the build is newer.
  return 0;
}

/** Only these, with their licence: the package itself holds ten times as much, and is not there in production. */
function copyDocsAssets() {
  for (const file of ['swagger-ui-bundle.js', 'swagger-ui.css', 'favicon-32x32.png', 'LICENSE', 'NOTICE'])
    cpSync(`${root}node_modules/swagger-ui-dist/${file}`, `${root}dist/assets/docs/${file}`);
}

function isStale() {
  const built = statSync(stamp, { throwIfNoEntry: false });
  return built === undefined || sources.some((path) => changedSince(built.mtimeMs, `${root}${path}`));
}

/** A folder's own time tells of files that were added or removed. */
function changedSince(time, path) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.mtimeMs > time) return found !== undefined;
  if (!found.isDirectory()) return false;
  return readdirSync(path).some((name) => name !== 'node_modules' && changedSince(time, `${path}/${name}`));
}
