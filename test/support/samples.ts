import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../src/main/package-root.ts';

/** The bytes of a file in `test/samples/`. */
export function sample(name: string): Promise<Buffer> {
  return readFile(join(packageRoot, 'test/samples', name));
}
