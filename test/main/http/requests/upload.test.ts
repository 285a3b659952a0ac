import assert from 'node:assert/strict';
import { test } from 'node:test';
import { titleOf } from '../../../../src/main/http/requests/upload.ts';

const TITLES: [string, string][] = [
  ['report.pdf', 'report.pdf'],
  ['/home/somebody/report.pdf', 'report.pdf'],
  ['C:\\Documents\\report.pdf', 'report.pdf'],
  ['a\u0000b\n  c\u001b[31m.pdf', 'ab c[31m.pdf'],
  ['gpj.exe\u202efdp.pdf', 'gpj.exefdp.pdf'],
  ['Größe 日本語 👩‍👩‍👧.pdf', 'Größe 日本語 👩‍👩‍👧.pdf'],
  ['😀'.repeat(300), '😀'.repeat(200)],
  ['', 'untitled'],
  ['folder/', 'untitled'],
];

for (const [name, title] of TITLES) {
  test(`a file named ${JSON.stringify(name.slice(0, 40))} is titled ${JSON.stringify(title.slice(0, 40))}`, () => {
    assert.equal(titleOf(name), title);
  });
}
