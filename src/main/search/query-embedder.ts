import type { Embedder } from '../../workers/shared/embeddings/embedder.ts';
import type { Observe } from '../observe/events.ts';

/** A vector, and the model that it can be compared by. */
export interface QueryVector {
  model: string;
  vector: Float32Array;
}

/**
 * Embeds what somebody searches for, who waits: an endpoint that does not answer soon is done without, and is not asked
 * again for a while.
 */
export class QueryEmbedder {
  readonly #embedder: Embedder;
  readonly #observe: Observe;
  #restUntil = 0;

  constructor(embedder: Embedder, observe: Observe) {
    this.#embedder = embedder;
    this.#observe = observe;
  }

  /** @returns null when the endpoint is away. Never throws */
  async embed(q: string): Promise<QueryVector | null> {
    if (performance.now() < this.#restUntil) return null;
    try {
      const [vector] = await this.#embedder.embed([q], { timeoutMs: PATIENCE_MS });
      return { model: this.#embedder.model, vector: vector as Float32Array };
    } catch (error) {
      this.#restUntil = performance.now() + REST_MS;
      this.#observe({ event: 'embeddings_away', reason: (error as Error).message });
      return null;
    }
  }
}

const PATIENCE_MS = 2000;
const REST_MS = 10_000;
