import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { EventStreamParser, readEvents, type ServerSentEvent } from '../../src/client/event-stream.ts';

const parse = (...pieces: string[]): ServerSentEvent[] => {
  const parser = new EventStreamParser();
  return pieces.flatMap((piece) => parser.push(piece));
};

const message = (data: string, lastEventId = ''): ServerSentEvent => ({
  event: 'message',
  data,
  lastEventId,
});

describe("a stream's text", () => {
  it('becomes events with a name, data and an id', () => {
    assert.deepEqual(parse('event: log\nid: 7\ndata: {"a":1}\n\n'), [
      { event: 'log', data: '{"a":1}', lastEventId: '7' },
    ]);
  });

  it('is read as the HTML standard has it', () => {
    assert.deepEqual(parse('data: YHOO\ndata: +2\ndata: 10\n\n'), [message('YHOO\n+2\n10')]);
    assert.deepEqual(
      parse(': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n'),
      [message('first event', '1'), message('second event'), message(' third event')],
    );
    assert.deepEqual(parse('data\n\ndata\ndata\n\ndata:'), [message(''), message('\n')]);
    assert.deepEqual(parse('data:test\n\ndata: test\n\n'), [message('test'), message('test')]);
  });

  it('keeps an id for the events that have none, but for one that holds NUL', () => {
    assert.deepEqual(parse('id: 1\n\ndata: a\n\nid: 2\0\ndata: b\n\n'), [
      message('a', '1'),
      message('b', '1'),
    ]);
  });

  it('forgets the name of an event without data, and a field that nobody knows', () => {
    assert.deepEqual(parse('event: log\n\nretry: 10\nnonsense: 1\ndata: a\n\n'), [message('a')]);
  });

  it('tells an event as soon as its last line ends, also by a carriage return', () => {
    assert.equal(parse('data: a\r\r').length, 1);
    assert.deepEqual(parse('data: a\r', '\n', '\r', '\ndata: b\r\n\r\n'), [message('a'), message('b')]);
  });

  it('is the same however it is cut into pieces, and whichever line ends it has', async () => {
    await fc.assert(
      fc.asyncProperty(events, lineEnds, fc.array(fc.nat()), async (expected, lineEnd, cuts) => {
        const text = `\uFEFF${expected.map(written).join('')}`.replaceAll('\n', lineEnd);
        assert.deepEqual(await collect(streamOf(pieces(Buffer.from(text), cuts))), expected);
      }),
    );
  });
});

const word = fc
  .string({ unit: 'grapheme', maxLength: 8 })
  .map((text) => text.replace(/[\r\n\0\uFEFF]/g, '.'));
const events = fc.array(
  fc.record(
    {
      event: word.map((text) => `e${text}`),
      data: fc.array(word, { minLength: 1, maxLength: 3 }).map((lines) => lines.join('\n')),
      lastEventId: word,
    },
    { noNullPrototype: true },
  ),
  { maxLength: 5 },
);
const lineEnds = fc.constantFrom('\n', '\r', '\r\n');

function written({ event, data, lastEventId }: ServerSentEvent): string {
  const lines = data.split('\n').map((line) => `data: ${line}\n`);
  return `: a comment\nevent: ${event}\nid: ${lastEventId}\n${lines.join('')}\n`;
}

/** Bytes cut anywhere, also in the middle of a character. */
function pieces(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return places.slice(1).map((end, index) => bytes.slice(places[index], end));
}

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

async function collect(body: ReadableStream<Uint8Array>): Promise<ServerSentEvent[]> {
  const all: ServerSentEvent[] = [];
  for await (const event of readEvents(body, 1000, undefined)) all.push(event);
  return all;
}

describe('the body of an answer', () => {
  it('is given up when nothing comes for too long, and when the reader goes', async () => {
    let isCancelled = false;
    const silent = () =>
      new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(Buffer.from('data: a\n\n')),
        cancel: () => {
          isCancelled = true;
        },
      });
    await assert.rejects(async () => {
      for await (const event of readEvents(silent(), 20, undefined)) assert.equal(event.data, 'a');
    }, /nothing came for 0\.02 s/);
    assert.equal(isCancelled, true);

    isCancelled = false;
    for await (const _ of readEvents(silent(), 10_000, undefined)) break;
    assert.equal(isCancelled, true);
  });

  it('is given up when the signal says so', async () => {
    const reason = new Error('enough');
    const body = new ReadableStream<Uint8Array>();
    const events = readEvents(body, 10_000, AbortSignal.abort(reason));
    await assert.rejects(events.next(), reason);
  });
});
