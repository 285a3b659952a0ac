import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeTranscript } from '../../../src/tasks/documents/transcript.ts';
import { PermanentError } from '../../../src/workers/define-task.ts';

function transcriptOf(...pages: string[]) {
  return makeTranscript({ pages, isPaged: true, transcribedBy: 'a test', warnings: [] });
}

test('pages are separated by form feeds and counted', () => {
  const { text, pages, words, characters } = transcriptOf('one two', 'three 😀');
  assert.deepEqual(
    { text, pages, words, characters },
    { text: 'one two\fthree 😀', pages: 2, words: 4, characters: 16 },
  );
});

test('an empty page between others is a page', () => {
  assert.equal(transcriptOf('some words', '', 'more words').text, 'some words\f\fmore words');
});

test('control characters are left out, line ends and tabs stay', () => {
  assert.equal(transcriptOf('a\u0000b\u0007c\u0085d\te\r\nf\rg').text, 'abcd\te\nf\ng');
});

test('a form feed inside a page does not make another page', () => {
  assert.equal(transcriptOf('one\ftwo').text, 'one two');
});

test('half of a surrogate pair becomes a replacement character', () => {
  assert.equal(transcriptOf('some \ud83d words').text, 'some \ufffd words');
});

for (const pages of [[''], ['\n', ' \n'], ['1', '2', '3'], ['\u0000\u0001\u0002\u0003']]) {
  test(`the pages ${JSON.stringify(pages)} count as scanned`, () => {
    assert.throws(() => transcriptOf(...pages), withoutText);
  });
}

function withoutText(error: unknown): boolean {
  return error instanceof PermanentError && /has no text layer/.test(error.message);
}
