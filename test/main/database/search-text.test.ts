import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  containing,
  containingInJson,
  hasTrigrams,
  websearch,
} from '../../../src/main/database/search-text.ts';

describe('a LIKE pattern', () => {
  it('takes the text as it is', () => {
    assert.equal(containing('50%_\\'), '%50\\%\\_\\\\%');
  });

  it('for JSON is one, unless JSON writes the text otherwise', () => {
    assert.deepEqual(containingInJson('plain ä'), ['%plain ä%']);
    assert.deepEqual(containingInJson('a"b'), ['%a"b%', '%a\\\\"b%']);
    assert.deepEqual(containingInJson('a\nb'), ['%a\nb%', '%a\\\\nb%']);
  });
});

describe('a web search', () => {
  it('keeps its minus signs', () => {
    for (const text of ['a -b', '-a -b -c', 'well-known', '-"a b" -c', '-1 -2'])
      assert.equal(websearch(text), text);
  });

  it('loses those that pile up', () => {
    assert.equal(websearch('a -- b'), 'a   b');
    assert.equal(websearch('- - -!- a'), '  a');
    assert.equal(websearch('-'.repeat(50)), ' ');
  });
});

describe('trigrams', () => {
  it('are in three letters or digits in a row, and at the ends of words', () => {
    for (const text of ['abc', '12a', '中文字', 'x-abc', ' a', '-a', 'ab-', 'is it'])
      assert.ok(hasTrigrams(text), text);
  });

  it('are not in less', () => {
    for (const text of ['', 'a', 'ab', '中文', 'a-', '...', '\u{1F9F5}\u{1F9F5}\u{1F9F5}', '%_\\']) {
      assert.ok(!hasTrigrams(text), text);
    }
  });
});
