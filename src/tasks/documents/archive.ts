import { text } from 'node:stream/consumers';
import { type Entry, fromBufferPromise, type ZipFile } from 'yauzl';
import { damaged, encrypted, tooLarge } from './unreadable.ts';

/** What was found in an archive that may be unpacked. */
export interface Archive {
  /** How large each part is when it is unpacked, by its name. */
  sizes: Map<string, number>;
  /** The contents of the small parts that were asked for. */
  contents: Map<string, string>;
}

/**
 * Looks through a ZIP before anybody unpacks it: every part is inflated once, and held against the size that it is
 * declared to have, while nothing of it is kept. A few kilobytes could otherwise fill the memory.
 * @param wanted parts whose contents are returned, in so far as they are small
 * @throws PermanentError when it is damaged, encrypted or a bomb
 */
export async function inspectArchive(file: Buffer, wanted: readonly string[] = []): Promise<Archive> {
  const archive: Archive = { sizes: new Map(), contents: new Map() };
  try {
    const zip = await fromBufferPromise(file, { lazyEntries: true, validateEntrySizes: true });
    if (zip.entryCount > MOST_PARTS) throw tooLarge(`it has ${zip.entryCount} parts`);
    let total = 0;
    for await (const entry of zip.eachEntry()) {
      total += entry.uncompressedSize;
      if (total > MOST_BYTES) throw tooLarge(`unpacked, it has more than ${MOST_BYTES / 1024 / 1024} MiB`);
      if (entry.isEncrypted()) throw encrypted();
      archive.sizes.set(entry.fileName, entry.uncompressedSize);
      const isWanted = wanted.includes(entry.fileName) && entry.uncompressedSize <= MOST_BYTES_WANTED;
      const content = await inflate(zip, entry, isWanted);
      if (content !== null) archive.contents.set(entry.fileName, content);
    }
    return archive;
  } catch (error) {
    if ((error as { name?: string }).name === 'PermanentError') throw error;
    throw damaged('ZIP', (error as Error).message);
  }
}

/** Office files have some dozens. */
const MOST_PARTS = 10_000;

/** Of all parts together. */
const MOST_BYTES = 256 * 1024 * 1024;

const MOST_BYTES_WANTED = 1024 * 1024;

/** @throws Error when there are more or fewer bytes than declared */
async function inflate(zip: ZipFile, entry: Entry, isWanted: boolean): Promise<string | null> {
  const content = await zip.openReadStreamPromise(entry);
  if (isWanted) return text(content);
  for await (const _ of content);
  return null;
}
