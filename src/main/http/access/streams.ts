import type { Observe } from '../../observe/events.ts';
import { Problem } from '../answers/problem.ts';

/** Bounds how many answers without an end, or uploads, are open at the same time: each holds a connection and memory. */
export class Streams {
  #open = 0;
  readonly #max: number;
  readonly #observe: Observe;
  readonly #refused: 'stream_refused' | 'upload_refused';

  constructor(
    max: number,
    observe: Observe,
    refused: 'stream_refused' | 'upload_refused' = 'stream_refused',
  ) {
    this.#refused = refused;
    this.#max = max;
    this.#observe = observe;
  }

  /** How many are open. */
  get open(): number {
    return this.#open;
  }

  /** @returns what to call, once or more often, when the stream has ended; null when there are too many already */
  take(): (() => void) | null {
    if (this.#open >= this.#max) {
      this.#observe({ event: this.#refused, limit: this.#max });
      return null;
    }
    this.#open++;
    let isOpen = true;
    return () => {
      if (isOpen) this.#open--;
      isOpen = false;
    };
  }
}

/** The answer when `take` gave null. */
export function tooManyStreams(): Problem {
  const detail = 'As many streams are open as this server keeps open; ask again, or without a stream.';
  return new Problem(503, 'too-many-streams', 'Too many streams', detail, {
    headers: { 'Retry-After': '5' },
  });
}

/** The answer to an upload when `take` gave null. */
export function tooManyUploads(): Problem {
  const detail =
    'As many documents come in as this server takes at the same time; send it again in a moment.';
  return new Problem(503, 'too-many-uploads', 'Too many uploads', detail, {
    headers: { 'Retry-After': '5' },
  });
}
