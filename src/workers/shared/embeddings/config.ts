import { readFileSync } from 'node:fs';

/** Who makes embeddings: an endpoint that speaks OpenAI's protocol, or the hashes of this package. */
export type EmbeddingsConfig =
  | { kind: 'endpoint'; url: string; model: string; apiKey: string | null }
  | { kind: 'local' };

/** What `EMBEDDINGS_URL` says for the local embedder. */
export const LOCAL = 'local';

/**
 * Who makes embeddings by the environment, which the configuration has checked; null when nobody does. Threads have the
 * runner's environment, and read this themselves: a key never travels in a message.
 */
export function embeddingsConfig(env: NodeJS.ProcessEnv): EmbeddingsConfig | null {
  const url = env.EMBEDDINGS_URL?.trim();
  if (!url) return null;
  if (url === LOCAL) return { kind: 'local' };
  const file = env.EMBEDDINGS_API_KEY_FILE;
  const apiKey = file ? readFileSync(file, 'utf8').trim() : env.EMBEDDINGS_API_KEY?.trim();
  return { kind: 'endpoint', url, model: env.EMBEDDINGS_MODEL?.trim() ?? '', apiKey: apiKey || null };
}
