import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { searchable, searchQuery } from '../../../src/workers/shared/search-terms.ts';

describe('a text as it is indexed', () => {
  it('keeps what is written with blanks, in plain small letters', () => {
    assert.equal(searchable('The ﬁrst Ｗord, co\u00adoperate'), 'the first word, cooperate');
  });

  it('has pairs of characters where no blanks are written, and at its end each character', () => {
    assert.equal(searchable('部署失败'), ' 部署 署失 失败  部 署 失 败');
    assert.equal(searchable('Debian系统。系'), 'debian 系统 。 系  系 统');
    assert.equal(searchable('ﾃﾞｰﾀ'), ' デー ータ  デ ー タ');
  });
});

describe('what is looked for', () => {
  it('keeps the syntax of web searches', () => {
    assert.equal(searchQuery('"Red Apple" -pear or Plum'), '"red apple" -pear or plum');
  });

  it('has words as phrases of pairs, found by a dictionary', () => {
    assert.equal(searchQuery('データベース'), ' "デー ータ タベ ベー ース" ');
    assert.equal(searchQuery('部署失败'), ' "部署" "失败" ');
  });

  it('leaves out single characters between words, unless there is nothing else', () => {
    assert.equal(searchQuery('東京の天気'), ' "東京" "天気" ');
    assert.equal(searchQuery('雨'), ' "雨" ');
  });

  it('takes what is in quotes, or excluded, as it is', () => {
    assert.equal(searchQuery('"部署失败"'), '" 部署 署失 失败 "');
    assert.equal(searchQuery('-部署失败'), ' -"部署 署失 失败" ');
  });
});
