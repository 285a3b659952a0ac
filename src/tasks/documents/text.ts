import { analyse } from 'chardet';

/** What a file with text says, and how that was found out. */
export interface Decoded {
  text: string;
  warnings: string[];
}

/**
 * Decodes text. How it is encoded is told by its byte order mark; else by whoever sent it; else it is UTF-8 if it can be;
 * else it is guessed by what letters are frequent.
 * @param declared what the sender, or the file itself, says; a charset that nobody knows counts as none
 */
export function decodeText(file: Buffer, declared: string | null): Decoded {
  const mark = byteOrderMark(file);
  if (mark !== undefined) return { text: decode(file, mark), warnings: [] };
  const named = declared === null ? undefined : known(declared);
  if (named !== undefined) {
    const text = decode(file, named);
    return {
      text,
      warnings: text.includes('\ufffd') ? [`not all of it is ${named}, as it was said to be`] : [],
    };
  }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(file), warnings: [] };
  } catch {
    const guessed = guess(file.subarray(0, GUESSED_BY_BYTES));
    return { text: decode(file, guessed), warnings: [`how it is encoded was guessed: ${guessed}`] };
  }
}

/** More makes no guess better, and each language is compared with all of it. */
const GUESSED_BY_BYTES = 128 * 1024;

/** Also UTF-16 without a mark: of most languages' texts every other byte is NUL, or close to it. */
function byteOrderMark(file: Buffer): string | undefined {
  const beginning = file.subarray(0, 3).toString('hex');
  if (beginning === 'efbbbf') return 'utf-8';
  if (beginning.startsWith('fffe')) return 'utf-16le';
  if (beginning.startsWith('feff')) return 'utf-16be';
  const sample = file.subarray(0, 1024);
  if (!sample.includes(0)) return undefined;
  return sample.indexOf(0) % 2 === 1 ? 'utf-16le' : 'utf-16be';
}

function guess(sample: Buffer): string {
  for (const { name } of analyse(sample)) {
    const label = known(name);
    if (label !== undefined) return label;
  }
  return 'windows-1252';
}

/** @returns the encoding's own name, or nothing when nobody here can decode it */
function known(label: string): string | undefined {
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return undefined;
  }
}

/** What does not decode becomes U+FFFD. The mark is left out. */
function decode(file: Buffer, encoding: string): string {
  return new TextDecoder(encoding).decode(file);
}
