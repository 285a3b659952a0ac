import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json, `migrations/` and `dist/`. This file runs as `dist/src/main/package-root.js`. */
export const packageRoot: string = fileURLToPath(new URL('../../../', import.meta.url));

/** The version in package.json. */
export const version: string = (
  JSON.parse(readFileSync(`${packageRoot}package.json`, 'utf8')) as { version: string }
).version;
