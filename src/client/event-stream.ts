import { pause } from './pause.ts';

/** One server-sent event, as the HTML standard has it. */
export interface ServerSentEvent {
  /** `message` when the stream names none. */
  event: string;
  data: string;
  /** The latest id that the stream has given. */
  lastEventId: string;
}

/** Makes events of a stream's text, however that is cut into pieces. */
export class EventStreamParser {
  #line = '';
  #endsInReturn = false;
  #event = '';
  #data: string[] = [];
  #lastEventId = '';

  /** Takes the next piece. @returns the events that end in it */
  push(piece: string): ServerSentEvent[] {
    if (piece === '') return [];
    // A line ends with a carriage return, a line feed, or both: the second half of one is no line of its own.
    const text = this.#endsInReturn && piece.startsWith('\n') ? piece.slice(1) : piece;
    this.#endsInReturn = piece.endsWith('\r');
    const lines = (this.#line + text).split(/\r\n|\n|\r/);
    this.#line = lines.pop() as string;
    return lines.flatMap((line) => (line === '' ? this.#dispatch() : this.#read(line)));
  }

  #dispatch(): ServerSentEvent[] {
    const event = this.#event || 'message';
    const data = this.#data;
    this.#event = '';
    this.#data = [];
    return data.length === 0 ? [] : [{ event, data: data.join('\n'), lastEventId: this.#lastEventId }];
  }

  #read(line: string): [] {
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#lastEventId = value;
    return []; // A comment begins with the colon; other fields mean nothing here.
  }
}

/**
 * The events of an answer's body. Leaving them early ends the answer.
 * @param idleMs how long nothing may come
 * @throws Error when nothing has come for that long; the signal's reason
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  idleMs: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<ServerSentEvent, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder(); // It also takes a byte order mark away.
  const parser = new EventStreamParser();
  try {
    for (;;) {
      const { done, value } = await within(idleMs, signal, reader.read());
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    reader.cancel().catch(() => {}); // It has broken already.
  }
}

async function within<T>(
  milliseconds: number,
  signal: AbortSignal | undefined,
  work: Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const cancel = () => done.abort(signal?.reason);
  signal?.addEventListener('abort', cancel, { once: true });
  if (signal?.aborted) cancel();
  const late = pause(milliseconds, done.signal).then(() => {
    throw new Error(`nothing came for ${milliseconds / 1000} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    signal?.removeEventListener('abort', cancel);
    late.catch(() => {}); // Whoever loses the race is not looked at.
    done.abort();
  }
}
