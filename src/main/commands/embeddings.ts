import type { Finding } from '../../workers/shared/document-tools.ts';
import { embedderOf } from '../../workers/shared/embeddings/embedder.ts';
import type { Config } from '../config.ts';

/** Whether who is to make embeddings does: it is asked for one. */
export async function embeddings({ documents: { embeddings: config } }: Config): Promise<Finding> {
  if (config === null)
    return { well: true, what: 'embeddings: EMBEDDINGS_URL is not set, documents are found by their words' };
  const { model, embed } = embedderOf(config);
  try {
    const [vector] = await embed(['Does the endpoint work?'], { timeoutMs: 10_000 });
    return { well: true, what: `embeddings: ${model} answers, with ${vector?.length} numbers` };
  } catch (error) {
    return { well: 'warning', what: `embeddings: none from ${model}: ${(error as Error).message}` };
  }
}
