import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heartbeatsUntil } from '../../../../src/main/http/answers/heartbeats.ts';

test('a stream beats until something happens', async () => {
  let happen = () => {};
  const beats = heartbeatsUntil(
    new Promise<void>((resolve) => {
      happen = resolve;
    }),
    1,
  );
  for (let beat = 0; beat < 3; beat++) assert.equal((await beats.next()).value, ': alive\n\n');
  happen();
  assert.equal((await beats.next()).done, true);
});
