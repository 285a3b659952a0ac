import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countRepeated } from '../../../src/main/observe/repeated.ts';
import { captureEvents } from '../../support/capture-events.ts';
import { waitFor } from '../../support/wait-for.ts';

test('what comes again and again is told once, and then how often; another one at once', async () => {
  const captured = captureEvents();
  const observe = countRepeated(captured.observe, 50);
  const keepAlive = setInterval(() => {}, 10);
  for (let times = 0; times < 5; times++)
    observe({ event: 'database_error', during: 'claim', message: 'away' });
  observe({ event: 'database_error', during: 'settle', message: 'away' });
  for (let times = 0; times < 3; times++) observe({ event: 'connection_refused', limit: 7 });
  observe({ event: 'listening' });
  assert.deepEqual(
    captured.events.map(({ event }) => event),
    ['database_error', 'database_error', 'connection_refused', 'listening'],
  );
  await waitFor('the counts', () => captured.events.length > 5);
  clearInterval(keepAlive);
  assert.deepEqual(captured.events.slice(4), [
    { event: 'database_error', during: 'claim', message: 'away', repeated: 4 },
    { event: 'connection_refused', limit: 7, repeated: 2 },
  ]);
  observe({ event: 'database_error', during: 'claim', message: 'away' });
  assert.equal(captured.events.length, 7);
});
