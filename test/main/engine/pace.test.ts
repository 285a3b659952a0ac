import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pace } from '../../../src/main/engine/pace.ts';

describe('the pace of a type', () => {
  it('is unknown, and so not quick, before it has run', () => {
    assert.equal(new Pace().quickMs('new'), null);
  });

  it('is quick after one quick run, at no less than what even nothing costs', () => {
    const pace = new Pace();
    pace.note('a', 1);
    pace.note('b', 0);
    assert.equal(pace.quickMs('a'), 1);
    assert.equal(pace.quickMs('b'), 0.02);
    assert.equal(pace.quickMs('c'), null);
  });

  it('is lost by one slow run, and earned back by many quick ones', () => {
    const pace = new Pace();
    for (let run = 0; run < 100; run++) pace.note('a', 0.1);
    pace.note('a', 500);
    assert.equal(pace.quickMs('a'), null);
    let runs = 0;
    while (pace.quickMs('a') === null && runs < 1000) {
      pace.note('a', 0.1);
      runs++;
    }
    assert.ok(runs > 5 && runs < 100, `it took ${runs} runs`);
  });
});
