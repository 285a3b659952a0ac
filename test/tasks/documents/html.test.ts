import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { htmlToText, readHtml } from '../../../src/tasks/documents/html.ts';
import { permanently, transcriptOf } from '../../support/transcription.ts';

test('a page is read as somebody would: what is not to be seen is left out', async () => {
  const page = `<!doctype html><title>Not seen</title><style>p { color: red }</style>
    <h1>A heading</h1><p>See <a href="https://example.org/">this</a> &amp; that.</p><script>alert('x')</script>
    <ul><li>one<li>two</ul><img src="https://example.org/x.png" alt="a picture">
    <table><tr><th>left<th>right<tr><td>1<td>2</table>`;
  const { text, pages, transcribedBy } = await transcriptOf('html', Buffer.from(page));
  assert.equal(text, 'A heading\n\nSee this & that.\n\n * one\n * two\n\nleft\tright\n1\t2');
  assert.deepEqual([pages, transcribedBy], [null, 'html-to-text']);
});

describe('how a page is encoded is told', () => {
  const russian = Buffer.from('cff0e8e2e5f2', 'hex'); // Привет
  const pages: [string, Buffer, string | null][] = [
    ['by itself', Buffer.concat([Buffer.from('<html><meta charset="windows-1251"><p>'), russian]), null],
    [
      'by itself, as of old',
      Buffer.concat([
        Buffer.from('<html><meta http-equiv=Content-Type content="text/html; charset=windows-1251"><p>'),
        russian,
      ]),
      null,
    ],
    [
      'by its sender',
      Buffer.concat([Buffer.from('<html><meta charset="utf-8"><p>'), russian]),
      'windows-1251',
    ],
    ['by a mark', Buffer.from('\ufeff<html><meta charset="windows-1251"><p>Привет', 'utf16le'), null],
    ['wrongly by itself: not in UTF-16', Buffer.from('<html><meta charset="utf-16"><p>Привет'), null],
  ];
  for (const [how, page, declared] of pages) {
    test(how, () => assert.equal(readHtml(page, declared).text, 'Привет'));
  }
});

test('a broken page has text all the same', () => {
  assert.equal(htmlToText('<p>a<b>b</p><table><td>c</i></div><!-- <p>d'), 'ab\n\nc');
});

test('one that is nested without an end says so', async () => {
  const page = Buffer.from(`<html>${'<div>'.repeat(20_000)}deep`);
  await assert.rejects(transcriptOf('html', page), permanently('too_large', /nested too deeply/));
});
