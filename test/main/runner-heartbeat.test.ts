import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunnerHeartbeat } from '../../src/main/runner-heartbeat.ts';
import { captureEvents } from '../support/capture-events.ts';

test('every minute a heartbeat tells what the runner does, and what it has done since the one before', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const engine = { threadsBusy: 1, state: { size: 2, ready: 3, claimed: 10, settled: 9, stale: 1 } };
  const { observe, of } = captureEvents();
  const heartbeat = new RunnerHeartbeat(engine as never, observe);
  heartbeat.start();
  t.mock.timers.tick(60_000);
  engine.state = { ...engine.state, claimed: 15, settled: 11 };
  t.mock.timers.tick(60_000);
  heartbeat.stop();
  t.mock.timers.tick(60_000);
  const expected = { event: 'heartbeat', threads_busy: 1, threads: 2, ready: 3 };
  assert.deepEqual(of('heartbeat'), [
    { ...expected, claimed: 10, settled: 9, stale_settles: 1 },
    { ...expected, claimed: 5, settled: 2, stale_settles: 0 },
  ]);
});
