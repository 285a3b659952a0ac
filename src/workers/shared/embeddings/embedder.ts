import type { EmbeddingsConfig } from './config.ts';
import { askEndpoint } from './endpoint.ts';
import { LOCAL_MODEL, localEmbedding } from './local.ts';
import { normalized } from './vectors.ts';

/** Makes vectors of texts, so that texts that mean the same are near each other. */
export interface Embedder {
  /** Only vectors of the same model can be compared. */
  readonly model: string;
  /**
   * @returns a vector of length 1 for each text, in their order, all of the same dimension
   * @throws EmbeddingError, or what `signal` was aborted with
   */
  embed(texts: readonly string[], patience: Patience): Promise<Float32Array[]>;
}

/** How long an answer may take. */
export interface Patience {
  timeoutMs: number;
  signal?: AbortSignal;
}

/** The model that is configured. */
export function modelOf(config: EmbeddingsConfig): string {
  return config.kind === 'local' ? LOCAL_MODEL : config.model;
}

/** The embedder that is configured. */
export function embedderOf(config: EmbeddingsConfig): Embedder {
  const embed: Embedder['embed'] =
    config.kind === 'local'
      ? async (texts) => texts.map((text) => normalized(localEmbedding(text)))
      : async (texts, patience) => (await askEndpoint(config, texts, patience)).map(normalized);
  return { model: modelOf(config), embed };
}
