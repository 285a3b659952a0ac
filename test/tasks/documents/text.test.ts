import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeText } from '../../../src/tasks/documents/text.ts';
import { permanently, transcriptOf } from '../../support/transcription.ts';

/** `Привет, мир! Это русский текст` */
const CP1251 = Buffer.from('cff0e8e2e5f22c20ece8f02120ddf2ee20f0f3f1f1eae8e920f2e5eaf1f2', 'hex');
/** `これは日本語の文章です。文字コードを推測します。` */
const SHIFT_JIS = Buffer.from(
  '82b182ea82cd93fa967b8cea82cc95b68fcd82c582b7814295b68e9a8352815b836882f090848aaa82b582dc82b78142',
  'hex',
);

test('text is one part without pages', async () => {
  const { text, pages, transcribedBy } = await transcriptOf('text', Buffer.from('# Eins\n\fzwei'));
  assert.deepEqual(
    { text, pages, transcribedBy },
    { text: '# Eins\n zwei', pages: null, transcribedBy: 'decoding' },
  );
});

describe('how it is encoded is told', () => {
  const cases: [string, Buffer, string | null, string, string[]][] = [
    ['by nothing: UTF-8', Buffer.from('Größe 日本'), null, 'Größe 日本', []],
    ['by a mark of UTF-8', Buffer.from('\ufeffGröße'), 'latin1', 'Größe', []],
    ['by a mark of UTF-16', Buffer.from('\ufeffGröße 😀', 'utf16le'), null, 'Größe 😀', []],
    ['by a mark of UTF-16 the other way round', swapped('\ufeffGröße'), null, 'Größe', []],
    ['by NUL in every other place', Buffer.from('Groesse', 'utf16le'), null, 'Groesse', []],
    ['by NUL in the other places', swapped('Groesse'), null, 'Groesse', []],
    ['by its sender', CP1251, 'windows-1251', 'Привет, мир! Это русский текст', []],
    ['by a guess', CP1251, null, 'Привет, мир! Это русский текст', [guessed('windows-1251')]],
    [
      'by a guess, in Japanese',
      SHIFT_JIS,
      null,
      new TextDecoder('shift_jis').decode(SHIFT_JIS),
      [guessed('shift_jis')],
    ],
    [
      'wrongly by its sender, which is a warning',
      Buffer.from('Gr\xf6\xdfe', 'latin1'),
      'utf-8',
      'Gr\ufffd\ufffde',
      ['not all of it is utf-8, as it was said to be'],
    ],
    ['by nobody who knows it', Buffer.from('abc'), 'klingon', 'abc', []],
  ];
  for (const [how, file, declared, text, warnings] of cases) {
    test(how, () => assert.deepEqual(decodeText(file, declared), { text, warnings }));
  }
});

test('whatever is well-formed comes back from UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      fc.pre(!text.includes('\0') && !text.startsWith('\ufeff') && !/^[\xfe\xff]/.test(text));
      assert.equal(decodeText(Buffer.from(text), null).text, text);
    }),
  );
});

test('any bytes become some text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      assert.ok(decodeText(Buffer.from(bytes), null).text.isWellFormed());
    }),
  );
});

test('a text of nothing but space has no text', async () => {
  await assert.rejects(transcriptOf('text', Buffer.from(' \n\t')), permanently('no_text', /no text/));
});

test('more text than a thread can hold is refused', async () => {
  const file = Buffer.alloc(33 * 1024 * 1024, 'word ');
  await assert.rejects(transcriptOf('text', file), permanently('too_large', /more than 32 MiB of text/));
});

function guessed(charset: string): string {
  return `how it is encoded was guessed: ${charset}`;
}

function swapped(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}
