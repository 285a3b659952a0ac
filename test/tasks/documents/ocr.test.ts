import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { packageRoot } from '../../../src/main/package-root.ts';
import { transcribePdf } from '../../../src/tasks/documents/transcribe-pdf.ts';
import { without } from '../../support/document-tools.ts';
import { sample } from '../../support/samples.ts';
import { permanently } from '../../support/transcription.ts';

describe('OCR', { skip: without('tesseract', 'pdftoppm', 'pdftotext') }, () => {
  let scan: Buffer;
  before(() => {
    scan = scanOf('debian-faq.en.pdf', 9);
  });

  test('reads a scan when it is asked for', async () => {
    const pages: string[] = [];
    const reading = await read(scan, 'eng', async (page, of) => void pages.push(`${page} of ${of}`));
    assert.equal(reading.transcribedBy, 'tesseract');
    assert.equal(reading.pages.length, 1);
    assert.match(reading.pages[0] ?? '', /Debian/);
    assert.deepEqual(pages, ['1 of 1']);
  });

  test('is not needed for a document with text', async () => {
    const reading = await read(await sample('two-columns-turkish.pdf'), 'eng');
    assert.equal(reading.transcribedBy, 'pdftotext');
  });

  test('in a language that is not installed says so', async () => {
    await assert.rejects(read(scan, 'xyz'), permanently('no_text', /tesseract cannot read page 1 .*xyz/));
  });

  test('without tesseract says what it needs', async () => {
    const { PATH } = process.env;
    process.env.PATH = '/nowhere';
    try {
      await assert.rejects(read(scan, 'eng'), permanently('no_text', /OCR needs pdftoppm and tesseract/));
    } finally {
      process.env.PATH = PATH;
    }
  });
});

function read(file: Buffer, languages: string, onPage = async (_page: number, _pages: number) => {}) {
  async function* pieces() {
    yield file;
  }
  const limits = { signal: new AbortController().signal, timeoutSeconds: 60, onPage };
  return transcribePdf(file.length, pieces, limits, languages);
}

/** A page of a sample as a scanner would make it: a PDF that is a picture. */
function scanOf(name: string, page: number): Buffer {
  const path = join(packageRoot, 'test/samples', name);
  const drawing = ['-r', '150', '-jpeg', '-singlefile', '-f', String(page), path];
  const picture = execFileSync('pdftoppm', drawing, { maxBuffer: 20_000_000 });
  const [width, height] = sizeOf(picture);
  const size = `/Width ${width} /Height ${height}`;
  const draw = '595 0 0 842 0 0 cm /I Do';
  return pdf([
    Buffer.from('<< /Type /Catalog /Pages 2 0 R >>'),
    Buffer.from('<< /Type /Pages /Kids [3 0 R] /Count 1 >>'),
    Buffer.from(
      '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>',
    ),
    Buffer.from(`<< /Length ${draw.length} >>\nstream\n${draw}\nendstream`),
    Buffer.concat([
      Buffer.from(
        `<< /Type /XObject /Subtype /Image ${size} /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode /Length ${picture.length} >>\nstream\n`,
      ),
      picture,
      Buffer.from('\nendstream'),
    ]),
  ]);
}

/** Of a JPEG: behind the mark that begins its frame. */
function sizeOf(jpeg: Buffer): [number, number] {
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  return [jpeg.readUInt16BE(frame + 7), jpeg.readUInt16BE(frame + 5)];
}

function pdf(objects: Buffer[]): Buffer {
  const parts: Buffer[] = [Buffer.from('%PDF-1.4\n')];
  const places: number[] = [];
  for (const [index, object] of objects.entries()) {
    places.push(Buffer.concat(parts).length);
    parts.push(Buffer.from(`${index + 1} 0 obj\n`), object, Buffer.from('\nendobj\n'));
  }
  const table = places.map((place) => `${String(place).padStart(10, '0')} 00000 n \n`).join('');
  const start = Buffer.concat(parts).length;
  const end = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}trailer << /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`;
  return Buffer.concat([...parts, Buffer.from(end)]);
}
