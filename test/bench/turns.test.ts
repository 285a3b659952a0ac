import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Turn, takeTurns, toEntry, valuesOf } from '../../bench/workloads/turns.ts';

test('who comes first in one round comes last in the next', async () => {
  const order: string[] = [];
  const turn = (key: string): Turn<number> => ({
    key,
    label: key,
    isOurs: false,
    measure: async () => order.push(key),
  });
  const taken = await takeTurns(['a', 'b', 'c'].map(turn), 3, () => {}, String);
  assert.deepEqual(order, ['a', 'b', 'c', 'c', 'b', 'a', 'a', 'b', 'c']);
  assert.deepEqual(
    valuesOf(taken, 'b', (at) => at),
    [2, 5, 8],
  );
});

test('one that fails has no more turns, its reason is kept, and the others go on', async () => {
  let tries = 0;
  const turns: Turn<number>[] = [
    {
      key: 'fails',
      label: 'fails',
      isOurs: false,
      measure: async () => {
        if (tries++ > 0) throw new Error('no connection\nand more');
        return 1;
      },
    },
    { key: 'works', label: 'works', isOurs: true, measure: async () => 2 },
  ];
  const said: string[] = [];
  const taken = await takeTurns(turns, 4, (line) => said.push(line), String);
  assert.equal(tries, 2);
  const [fails, works] = taken.map((each) => toEntry(each, (value) => value));
  assert.deepEqual(fails?.values, [1]);
  assert.equal(fails?.note, 'not measured: no connection');
  assert.deepEqual(works?.values, [2, 2, 2, 2]);
  assert.ok(said.some((line) => line.includes('fails could not be measured')));
});
