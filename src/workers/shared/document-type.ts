/** What can be transcribed. */
export const MEDIA_TYPES = {
  pdf: 'application/pdf',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  odt: 'application/vnd.oasis.opendocument.text',
  doc: 'application/msword',
  rtf: 'application/rtf',
  html: 'text/html',
  text: 'text/plain',
} as const;

export type MediaType = (typeof MEDIA_TYPES)[keyof typeof MEDIA_TYPES];

/** The same for people. */
export const READABLE_TYPES = 'PDF, DOCX, ODT, DOC, RTF, HTML, plain text and Markdown';

/** What a file is, or in words what it is instead of something that can be transcribed. */
export type FileType = { mediaType: MediaType } | { refused: string };

/**
 * Tells what a file is by what is in it, while it passes by: its name and the type that its sender gives it may be
 * wrong. Archives are looked into by the names of their parts, which are in them as they are; whether the parts are
 * what they are called is seen when the file is transcribed.
 */
export class TypeScan {
  #beginning = Buffer.alloc(0);
  #tail = Buffer.alloc(0);
  readonly #marks = new Set<string>();

  /** Takes the file's next bytes. */
  add(bytes: Uint8Array): void {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const missing = BEGINNING_BYTES - this.#beginning.length;
    if (missing > 0) this.#beginning = Buffer.concat([this.#beginning, buffer.subarray(0, missing)]);
    for (const [name, mark] of Object.entries(MARKS)) {
      if (!this.#marks.has(name) && this.#passes(mark, buffer)) this.#marks.add(name);
    }
    this.#tail = Buffer.from(buffer.subarray(-LONGEST_MARK));
  }

  /** Whether nothing that may still come can make it a file that can be transcribed. */
  get isHopeless(): boolean {
    return this.#beginning.length === BEGINNING_BYTES && kindOf(this.#beginning) === 'unknown';
  }

  /** To be asked when the whole file has passed by. */
  end(): FileType {
    if (this.#beginning.length === 0) return { refused: 'empty' };
    const kind = kindOf(this.#beginning);
    if (kind === 'zip') return this.#inZip(this.#beginning);
    if (kind === 'ole') return this.#inOle();
    return kind === 'unknown' ? UNKNOWN : { mediaType: MEDIA_TYPES[kind] };
  }

  #inZip(beginning: Buffer): FileType {
    if (beginning.indexOf(ODT_MIMETYPE) === ODT_MIMETYPE_AT) return { mediaType: MEDIA_TYPES.odt };
    if (this.#marks.has('docx')) return { mediaType: MEDIA_TYPES.docx };
    return { refused: 'a ZIP archive, and neither DOCX nor ODT' };
  }

  #inOle(): FileType {
    if (this.#marks.has('doc') || this.#marks.has('encrypted')) return { mediaType: MEDIA_TYPES.doc };
    return { refused: 'a file of an old Office format, and not of Word' };
  }

  /** Also across the border between two calls. */
  #passes(mark: Buffer, bytes: Buffer): boolean {
    return (
      bytes.includes(mark) || Buffer.concat([this.#tail, bytes.subarray(0, LONGEST_MARK)]).includes(mark)
    );
  }
}

const BEGINNING_BYTES = 1024;

const UNKNOWN = { refused: 'of a type that cannot be read' };

const ZIP = Buffer.from('PK\x03\x04', 'latin1');
const OLE = Buffer.from('d0cf11e0a1b11ae1', 'hex');

/** What stands in an ODT behind the head of its first part, which is neither compressed nor has an extra field. */
const ODT_MIMETYPE = `mimetype${MEDIA_TYPES.odt}`;
const ODT_MIMETYPE_AT = 30;

/** Names of parts: Word's text in a ZIP and in an OLE file, and the whole document inside of an encrypted DOCX. */
const MARKS = {
  docx: Buffer.from('word/document'),
  doc: Buffer.from('WordDocument', 'utf16le'),
  encrypted: Buffer.from('EncryptedPackage', 'utf16le'),
};
const LONGEST_MARK = Math.max(...Object.values(MARKS).map(({ length }) => length));

function kindOf(beginning: Buffer): 'pdf' | 'zip' | 'ole' | 'rtf' | 'html' | 'text' | 'unknown' {
  if (beginning.indexOf(ZIP) === 0) return 'zip';
  if (beginning.indexOf(OLE) === 0) return 'ole';
  if (beginning.indexOf('{\\rtf') === 0) return 'rtf';
  if (isPdf(beginning)) return 'pdf';
  if (isBinary(beginning)) return 'unknown';
  return isHtml(beginning) ? 'html' : 'text';
}

/** As its readers do: some programs write something before it. But a text may speak of it. */
function isPdf(beginning: Buffer): boolean {
  const at = beginning.indexOf('%PDF-');
  if (at === -1) return false;
  return at === 0 || beginning[at - 1] === 0x0a || beginning[at - 1] === 0x0d || isBinary(beginning);
}

/** With control characters that no text has. UTF-16 has a byte order mark, or NUL in every other place. */
function isBinary(beginning: Buffer): boolean {
  if (hasByteOrderMark(beginning) || isUtf16(beginning)) return false;
  return beginning.some((byte) => byte < 0x20 && !CONTROLS_OF_TEXTS.includes(byte));
}

/** Tab, line ends, form feed, and the escape of ISO-2022. */
const CONTROLS_OF_TEXTS = [0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1b];

function hasByteOrderMark(beginning: Buffer): boolean {
  return (beginning[0] === 0xff && beginning[1] === 0xfe) || (beginning[0] === 0xfe && beginning[1] === 0xff);
}

function isUtf16(beginning: Buffer): boolean {
  const zeros = [0, 0];
  for (const [at, byte] of beginning.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  return Math.min(even, odd) === 0 && Math.max(even, odd) > 0.4 * (beginning.length / 2);
}

function isHtml(beginning: Buffer): boolean {
  const text = beginning.toString(hasByteOrderMark(beginning) ? 'utf16le' : 'latin1');
  return HTML.test(text);
}

/** Behind a byte order mark, an XML declaration and comments. */
const HTML =
  /^(?:\u00ef\u00bb\u00bf|\ufeff)?(?:\s|<\?xml[^>]*>|<!--[\s\S]*?-->)*<(?:!doctype\s+html|html|head|body)\b/i;
