import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publishTaskTypes } from '../../../src/main/engine/publish.ts';
import { Heartbeats } from '../../../src/main/leader/heartbeats.ts';
import { captureEvents } from '../../support/capture-events.ts';
import { createTestDatabase } from '../../support/database.ts';
import { periodicType } from '../../support/periodic-type.ts';

test('a heartbeat tells how each periodic task goes', async (t) => {
  const database = await createTestDatabase();
  t.after(() => database.drop());
  const { observe, of } = captureEvents();
  const types = [periodicType('beat'), periodicType('paused')];
  await publishTaskTypes(database.pool(), types);
  await database
    .pool()
    .query(
      `update periodic_tasks set runs = 7, failures = 2, next_run_at = '2026-01-01T00:00:30Z' where name = 'beat'`,
    );
  await new Heartbeats(database.pool(), types, observe).beat();
  const expected = { event: 'heartbeat', emoji: '⏰' };
  assert.deepEqual(of('heartbeat'), [
    { ...expected, task_type: 'beat', runs: 7, failures: 2, next_run_at: '2026-01-01T00:00:30.000Z' },
    { ...expected, task_type: 'paused', runs: 0, failures: 0, next_run_at: null },
  ]);
});
