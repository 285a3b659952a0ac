import assert from 'node:assert/strict';
import { it } from 'node:test';
import { newId } from '../../../src/main/database/new-id.ts';

it('ids are UUIDs of version 7 that tell their time, each greater than the one before', () => {
  const before = Date.now();
  const ids = Array.from({ length: 20_000 }, newId);
  for (const [index, id] of ids.entries()) {
    assert.match(id, /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    assert.ok(index === 0 || id > (ids[index - 1] ?? ''));
  }
  const time = Number.parseInt((ids[0] ?? '').replace('-', '').slice(0, 12), 16);
  assert.ok(time >= before && time <= Date.now());
});
