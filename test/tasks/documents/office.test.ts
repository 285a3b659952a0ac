import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { PermanentError } from '../../../src/workers/define-task.ts';
import { without } from '../../support/document-tools.ts';
import { sample } from '../../support/samples.ts';
import { permanently, transcriptOf } from '../../support/transcription.ts';
import { zip } from '../../support/zip.ts';

const skip = without('soffice');

describe('DOCX', () => {
  test('is read by mammoth, with its footnotes, and has no pages', async () => {
    const { text, pages, transcribedBy } = await transcriptOf('docx', await sample('footnotes.docx'));
    assert.match(text, /^Ouch/);
    assert.match(text, /A tachyon walks into a bar\./);
    assert.deepEqual([pages, transcribedBy], [null, 'mammoth']);
  });

  test('what mammoth cannot read is given to LibreOffice', { skip }, async () => {
    const { text, transcribedBy } = await transcriptOf('docx', withBrokenStyles('Still there'));
    assert.deepEqual([text, transcribedBy], ['Still there', 'libreoffice']);
  });
});

describe('ODT, DOC and RTF are read by LibreOffice', { skip }, () => {
  test('an ODT, with its footnotes', async () => {
    const { text, pages, transcribedBy } = await transcriptOf('odt', await sample('footnotes.odt'));
    assert.match(text, /Ouch[\s\S]*A tachyon walks into a bar\./);
    assert.deepEqual([pages, transcribedBy], [null, 'libreoffice']);
  });

  test('a DOC, with its footnotes', async () => {
    const { text } = await transcriptOf('doc', await sample('footnotes.doc'));
    assert.match(text, /Ouch/);
    assert.match(text, /A tachyon walks into a bar\./);
  });

  test('an RTF in windows-1251', async () => {
    const { text } = await transcriptOf('rtf', await sample('russian.rtf'));
    assert.match(text, /^абвгдеёжзийклмнопрстуфхцчшщъыьэюя$/m);
  });

  test('nothing that a document names is fetched', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/picture.png`;
    try {
      const { text } = await transcriptOf('odt', odt(`<text:p>Hello</text:p>${picture(url)}${included()}`));
      assert.equal(text, 'Hello\n\nplaceholder');
      assert.deepEqual(asked, []);
    } finally {
      server.close();
    }
  });

  test('one that takes too long may be tried again', async () => {
    const late = transcriptOf('rtf', await sample('russian.rtf'), { timeoutSeconds: 0.05 });
    await assert.rejects(late, (error: Error) => {
      assert.ok(!(error instanceof PermanentError));
      assert.equal(error.message, 'soffice did not finish within 0.05 s');
      return true;
    });
    assert.match((await transcriptOf('rtf', await sample('russian.rtf'))).text, /абвгд/);
  });
});

describe('what cannot be read says why, and LibreOffice never sees what only has the name', () => {
  const cases: [string, Parameters<typeof transcriptOf>[0], () => Promise<Buffer>, string, RegExp][] = [
    ['random bytes', 'docx', async () => randomBytes(50_000), 'damaged', /ZIP: End of central directory/],
    ['an empty DOCX', 'docx', async () => Buffer.alloc(0), 'empty', /has no bytes/],
    ['half a DOCX', 'docx', async () => half('footnotes.docx'), 'damaged', /damaged/],
    ['an ODT named .docx', 'docx', () => sample('footnotes.odt'), 'wrong_type', /no word\/document\.xml/],
    ['a DOCX named .odt', 'odt', () => sample('footnotes.docx'), 'wrong_type', /not an ODT/],
    ['half an ODT', 'odt', async () => half('footnotes.odt'), 'damaged', /damaged/],
    ['random bytes as DOC', 'doc', async () => randomBytes(9000), 'wrong_type', /compound file/],
    ['half a DOC', 'doc', async () => half('footnotes.doc'), 'wrong_type', /no Word document/],
    ['random bytes as RTF', 'rtf', async () => randomBytes(9000), 'wrong_type', /\{\\rtf/],
    ['a DOCX with a password', 'doc', () => sample('user-password.docx'), 'encrypted', /encrypted/],
    ['a DOC with a password', 'doc', () => encryptedDoc(), 'encrypted', /encrypted/],
    [
      'an ODT with a password',
      'odt',
      async () => odt('', '<manifest:encryption-data/>'),
      'encrypted',
      /encr/,
    ],
    ['a DOCX without words', 'docx', async () => docx(''), 'no_text', /nothing in it that can be read/],
  ];
  for (const [what, type, file, code, message] of cases) {
    test(what, async () => {
      await assert.rejects(transcriptOf(type, await file()), permanently(code, message));
    });
  }

  test('half an RTF', { skip }, async () => {
    await assert.rejects(
      transcriptOf('rtf', await half('russian.rtf')),
      permanently('damaged', /LibreOffice/),
    );
  });

  test('a DOC full of garbage', { skip }, async () => {
    const file = Buffer.from(await sample('footnotes.doc'));
    randomBytes(3000).copy(file, 512);
    await assert.rejects(transcriptOf('doc', file), permanently('damaged', /LibreOffice/));
  });
});

describe('ZIP bombs are refused before anybody unpacks them', () => {
  const zeros = Buffer.alloc(90 * 1024 * 1024);

  test('one that says how large it is', async () => {
    const parts = [1, 2, 3].map((n) => ({ name: `word/media/${n}.bmp`, content: zeros }));
    const bomb = zip([...docxParts('x'), ...parts]);
    assert.ok(bomb.length < 400_000);
    await assert.rejects(transcriptOf('docx', bomb), permanently('too_large', /more than 256 MiB/));
  });

  test('one that says it is small', async () => {
    const bomb = zip([...docxParts('x'), { name: 'word/styles.xml', content: zeros, declared: 1000 }]);
    await assert.rejects(transcriptOf('docx', bomb), permanently('damaged', /too many bytes in the stream/));
  });

  test('one of very many parts', async () => {
    const parts = Array.from({ length: 10_001 }, (_, n) => ({ name: `${n}`, content: '', stored: true }));
    await assert.rejects(transcriptOf('docx', zip(parts)), permanently('too_large', /10001 parts/));
  });
});

async function half(name: string): Promise<Buffer> {
  const file = await sample(name);
  return file.subarray(0, Math.floor(file.length / 2));
}

/** As Word marks it: fEncrypted in the head of the WordDocument stream. */
async function encryptedDoc(): Promise<Buffer> {
  const file = Buffer.from(await sample('footnotes.doc'));
  const head = file.indexOf(Buffer.from([0xec, 0xa5]), 512);
  file.writeUInt8(file.readUInt8(head + 11) | 0x01, head + 11);
  return file;
}

function docx(text: string): Buffer {
  return zip(docxParts(text));
}

function docxParts(text: string) {
  const office = 'http://schemas.openxmlformats.org';
  return [
    {
      name: '[Content_Types].xml',
      content: `<Types xmlns="${office}/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`,
    },
    {
      name: '_rels/.rels',
      content: `<Relationships xmlns="${office}/package/2006/relationships"><Relationship Id="r" Type="${office}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
    },
    {
      name: 'word/document.xml',
      content: `<w:document xmlns:w="${office}/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>${text}</w:t></w:r></w:p></w:body></w:document>`,
    },
  ];
}

/** Mammoth needs them, LibreOffice goes on without. */
function withBrokenStyles(text: string): Buffer {
  return zip([...docxParts(text), { name: 'word/styles.xml', content: '<w:styles' }]);
}

function odt(body: string, manifest = ''): Buffer {
  const oasis = 'urn:oasis:names:tc:opendocument:xmlns';
  return zip([
    { name: 'mimetype', content: 'application/vnd.oasis.opendocument.text', stored: true },
    {
      name: 'content.xml',
      content: `<office:document-content xmlns:office="${oasis}:office:1.0" xmlns:text="${oasis}:text:1.0" xmlns:draw="${oasis}:drawing:1.0" xmlns:xlink="http://www.w3.org/1999/xlink" office:version="1.2"><office:body><office:text>${body}</office:text></office:body></office:document-content>`,
    },
    {
      name: 'META-INF/manifest.xml',
      content: `<manifest:manifest xmlns:manifest="${oasis}:manifest:1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.text"/><manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml">${manifest}</manifest:file-entry></manifest:manifest>`,
    },
  ]);
}

function picture(url: string): string {
  return `<text:p><draw:frame><draw:image xlink:href="${url}" xlink:type="simple"/></draw:frame></text:p>`;
}

function included(): string {
  return '<text:section text:name="S"><text:section-source xlink:type="simple" xlink:href="file:///etc/hosts" xlink:show="embed"/><text:p>placeholder</text:p></text:section>';
}
