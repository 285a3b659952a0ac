import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new directory that others may enter: as root, PostgreSQL runs as somebody else. */
export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'heddle-test-'));
  await chmod(path, 0o755);
  return path;
}
