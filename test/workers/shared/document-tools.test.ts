import assert from 'node:assert/strict';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { documentTools } from '../../../src/workers/shared/document-tools.ts';
import { without } from '../../support/document-tools.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

test('what is there is well, with its version', { skip: without('pdftotext', 'soffice') }, async () => {
  const found = await documentTools(undefined);
  const well = found.filter((finding) => finding.well === true).map(({ what }) => what);
  assert.match(well[0] ?? '', /^pdftotext: pdftotext version \d/);
  assert.match(well[1] ?? '', /^soffice: LibreOffice \d/);
});

test('what is missing is a warning that says what for, and which package brings it', async (t) => {
  const found = await onPath(t, {}, () => documentTools('eng'));
  assert.deepEqual(found, [
    warning(
      'pdftotext: not there; PDFs are read by unpdf, which is slower (Debian: poppler-utils and poppler-data)',
    ),
    warning('soffice: not there; ODT, DOC and RTF cannot be read (Debian: libreoffice-writer-nogui)'),
    warning('pdftoppm: not there; OCR_LANGUAGES needs it (Debian: poppler-utils)'),
    warning(
      'tesseract: not there; OCR_LANGUAGES needs it (Debian: tesseract-ocr, and a package for each language)',
    ),
  ]);
});

test('a language that tesseract lacks is named', async (t) => {
  const tesseract = '#!/bin/sh\necho "List of available languages (2):"; echo eng; echo osd';
  const found = await onPath(t, { tesseract }, () => documentTools('eng+deu+fra'));
  assert.deepEqual(found.at(-1), warning('OCR: tesseract lacks deu, fra of OCR_LANGUAGES'));
});

function warning(what: string) {
  return { well: 'warning', what };
}

/** Does it where there are no programs but these. */
async function onPath<T>(
  t: { after(end: () => Promise<void>): void },
  programs: Record<string, string>,
  work: () => Promise<T>,
): Promise<T> {
  const folder = await temporaryDirectory();
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), 0o755);
  }
  const { PATH } = process.env;
  process.env.PATH = folder;
  try {
    return await work();
  } finally {
    process.env.PATH = PATH;
  }
}
