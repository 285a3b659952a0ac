import { setFlagsFromString } from 'node:v8';

/**
 * Lets V8 collect garbage when the heap has grown by two fifths since the last time, and not when it has doubled or more.
 * Answers that wait for a commit outlive V8's young generation: under load those that are done with made an API take 214
 * MB, and so it takes 140, as fast. No limit, that could end the process: what it needs it gets.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=40');
}
