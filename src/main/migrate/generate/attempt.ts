import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PairText } from './pair.ts';
import { readIfThere, type SnapshotFolder } from './snapshots.ts';

/** A refused pair is kept in its folder of drizzle-kit, where nothing applies it, for a person to correct it. */
const FILES = { up: 'UP.sql', down: 'DOWN.sql' } as const;

/** What was kept of a refused pair, as it was corrected since. */
export async function readAttempt({ path }: SnapshotFolder): Promise<Partial<PairText>> {
  const up = await readIfThere(join(path, FILES.up));
  const down = await readIfThere(join(path, FILES.down));
  return { ...(up !== undefined && { up }), ...(down !== undefined && { down }) };
}

/** Keeps a refused pair. */
export async function keepAttempt({ path }: SnapshotFolder, pair: PairText): Promise<void> {
  await writeFile(join(path, FILES.up), pair.up);
  await writeFile(join(path, FILES.down), pair.down);
}

/** Takes the attempt away: the pair is where it belongs. */
export async function forgetAttempt({ path }: SnapshotFolder): Promise<void> {
  await rm(join(path, FILES.up), { force: true });
  await rm(join(path, FILES.down), { force: true });
}
