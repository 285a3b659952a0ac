/** Why there are no embeddings. */
export class EmbeddingError extends Error {
  override name = 'EmbeddingError';
  /** Whether it may work later, without anybody changing anything. */
  readonly isPassing: boolean;
  /** When to ask again, as the endpoint wants it. */
  readonly retryAfterSeconds: number | null;
  constructor(
    message: string,
    options: ErrorOptions & { isPassing: boolean; retryAfterSeconds?: number | null | undefined },
  ) {
    super(message, options);
    this.isPassing = options.isPassing;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}
