import { MEDIA_TYPES } from '../../workers/shared/document-type.ts';
import { inspectArchive } from './archive.ts';
import { readWithLibreOffice } from './libreoffice.ts';
import type { ReadingLimits } from './limits.ts';
import type { Reading } from './transcript.ts';
import { encrypted, wrongType } from './unreadable.ts';

/*
 * LibreOffice makes something of every file, also of random bytes. So it sees none that does not look like what it is
 * said to be.
 */

/** @throws PermanentError when it is no ODT, damaged, encrypted or a ZIP bomb */
export async function readOdt(file: Buffer, limits: ReadingLimits): Promise<Reading> {
  const { sizes, contents } = await inspectArchive(file, [MIMETYPE, MANIFEST]);
  if (contents.get(MIMETYPE)?.trim() !== MEDIA_TYPES.odt || !sizes.has('content.xml')) {
    throw wrongType('an ODT', 'the archive has no mimetype and content.xml of one');
  }
  if (contents.get(MANIFEST)?.includes('encryption-data')) throw encrypted();
  return readWithLibreOffice('odt', file, limits);
}

const MIMETYPE = 'mimetype';
const MANIFEST = 'META-INF/manifest.xml';

/** @throws PermanentError when it is no file of Word 97 or newer, damaged or encrypted */
export async function readDoc(file: Buffer, limits: ReadingLimits): Promise<Reading> {
  if (file.indexOf(OLE) !== 0) throw wrongType('a DOC', 'it does not begin like a compound file');
  // A DOCX with a password is one, too.
  if (file.includes(ENCRYPTED_PACKAGE)) throw encrypted();
  if (!file.includes(WORD_DOCUMENT)) throw wrongType('a DOC', 'there is no Word document in it');
  if (isEncrypted(file)) throw encrypted();
  return readWithLibreOffice('doc', file, limits);
}

const OLE = Buffer.from('d0cf11e0a1b11ae1', 'hex');
const ENCRYPTED_PACKAGE = Buffer.from('EncryptedPackage', 'utf16le');
const WORD_DOCUMENT = Buffer.from('WordDocument', 'utf16le');

/**
 * The document's own head ([MS-DOC] 2.5.1, FibBase: wIdent, nFib, and fEncrypted at bit 8 of the word at 10), which
 * begins a sector, or in a small file one of its short sectors.
 */
function isEncrypted(file: Buffer): boolean {
  for (let at = SECTOR_BYTES; at + 12 <= file.length; at += SHORT_SECTOR_BYTES) {
    const isHead = file.readUInt16LE(at) === WORD_IDENT && file.readUInt16LE(at + 2) <= LATEST_VERSION;
    if (isHead) return (file.readUInt16LE(at + 10) & 0x0100) !== 0;
  }
  return false;
}

const SECTOR_BYTES = 512;
const SHORT_SECTOR_BYTES = 64;
const WORD_IDENT = 0xa5ec;
const LATEST_VERSION = 0x0112;

/** @throws PermanentError when it is no RTF */
export async function readRtf(file: Buffer, limits: ReadingLimits): Promise<Reading> {
  if (file.indexOf('{\\rtf') !== 0) throw wrongType('an RTF', 'it does not begin with {\\rtf');
  return readWithLibreOffice('rtf', file, limits);
}
