import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Streams, tooManyStreams } from '../../../../src/main/http/access/streams.ts';
import { captureEvents } from '../../../support/capture-events.ts';
import { startTestApi } from '../../../support/test-api.ts';
import { waitFor } from '../../../support/wait-for.ts';

it('streams are bounded: beyond, none is given until one has ended', () => {
  const { observe, of } = captureEvents();
  const streams = new Streams(2, observe);
  const first = streams.take();
  const second = streams.take();
  assert.ok(first !== null && second !== null);
  assert.equal(streams.take(), null);
  assert.deepEqual(of('stream_refused'), [{ event: 'stream_refused', limit: 2 }]);
  first();
  first();
  assert.equal(streams.open, 1, 'an end that is told twice counts once');
  assert.ok(streams.take() !== null);
  assert.equal(streams.take(), null);
  const { status, headers } = tooManyStreams();
  assert.deepEqual([status, headers], [503, { 'Retry-After': '5' }]);
});

it('MAX_STREAMS tasks can be watched at the same time', async () => {
  const api = await startTestApi({ env: { MAX_STREAMS: '1' } });
  try {
    const { id } = await api.submit({ type: 'anything' });
    const headers = { accept: 'text/event-stream' };
    const watch = () => api.app.request(`/api/v1/tasks/${id}/logs`, { headers });
    const first = await watch();
    assert.equal(first.status, 200);
    const second = await watch();
    assert.deepEqual([second.status, second.headers.get('retry-after')], [503, '5']);
    await first.body?.cancel();
    const third = await waitFor('room', async () => {
      const response = await watch();
      return response.status === 200 ? response : null;
    });
    await third.body?.cancel();
  } finally {
    await api.stop();
  }
});
