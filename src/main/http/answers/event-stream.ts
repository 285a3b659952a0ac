import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';

export interface EventStreamOptions {
  /** Ends the stream. */
  stopped: AbortSignal;
  /** Called once, when the stream is over, however that came. */
  over: () => void;
  /** How long a client may take nothing, in milliseconds. @default a minute */
  patienceMs?: number;
}

/**
 * Answers with server-sent events. They are asked for one chunk at a time, when the client has taken the one before:
 * nothing is made in advance. A client that takes nothing for too long is let go, and may come back.
 * @param tell makes the chunks, and never throws; `gone` is aborted when nobody wants them any more
 */
export function eventStream(
  c: Context,
  tell: (gone: AbortSignal) => AsyncGenerator<string>,
  { stopped, over, patienceMs = 60_000 }: EventStreamOptions,
): Response {
  const gone = new AbortController();
  const chunks = tell(gone.signal);
  const encoder = new TextEncoder();
  let patience = setTimeout(letGo, patienceMs).unref();
  let isAsked = false;
  let isOver = false;
  stopped.addEventListener('abort', stop);

  async function pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    if (isOver) return controller.close();
    clearTimeout(patience);
    isAsked = true;
    const chunk = await chunks.next();
    isAsked = false;
    if (isOver) return;
    if (chunk.done) {
      end();
      controller.close();
    } else {
      controller.enqueue(encoder.encode(chunk.value));
      patience = setTimeout(letGo, patienceMs).unref();
    }
  }

  function end(): void {
    isOver = true;
    clearTimeout(patience);
    stopped.removeEventListener('abort', stop);
    gone.abort();
    over();
  }

  /** A client that waits for more gets a proper end; one that has not even taken what there was does not hear of it. */
  function stop(): void {
    if (isAsked) gone.abort();
    else letGo();
  }

  function letGo(): void {
    end();
    (c.env as Partial<HttpBindings> | undefined)?.outgoing?.destroy();
  }

  // Without a queue of its own.
  const body = new ReadableStream({ pull, cancel: end }, { highWaterMark: 0 });
  return c.body(body, 200, HEADERS);
}

/** One server-sent event. */
export function eventText(event: string, id: string, data: object): string {
  return `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

const HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store',
  // A proxy (nginx) that collects answers before it passes them on would make a stream useless.
  'X-Accel-Buffering': 'no',
};
