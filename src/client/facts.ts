import type { Transport } from './transport.ts';
import type { Fact, FactFilter, FactPage, NewFact } from './types.ts';

/** Facts: what is known. Reached as `client.facts`. */
export class Facts {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  create(fact: NewFact, { idempotencyKey = crypto.randomUUID() as string } = {}): Promise<Fact> {
    const headers = { 'idempotency-key': idempotencyKey };
    return this.#transport.json({ method: 'POST', path: FACTS, body: fact, headers });
  }

  /** @param id whole, or a unique prefix or ending of at least 4 characters */
  get(id: string): Promise<Fact> {
    return this.#transport.json({ method: 'GET', path: pathOf(id) });
  }

  /** The newest first; with `q` the best match first. */
  list(filter: FactFilter = {}): Promise<FactPage> {
    return this.#transport.json({ method: 'GET', path: FACTS, query: { ...filter } });
  }

  /** Changes what is given, and nothing else. */
  update(id: string, change: Partial<Omit<NewFact, 'produced_by_task_id'>>): Promise<Fact> {
    return this.#transport.json({ method: 'PATCH', path: pathOf(id), body: change });
  }

  /** @returns the whole id */
  async delete(id: string): Promise<string> {
    const call = { method: 'DELETE', path: pathOf(id), repeatable: 'refused' } as const;
    return (await this.#transport.json<{ deleted: string }>(call)).deleted;
  }
}

const FACTS = '/api/v1/facts';

function pathOf(id: string): string {
  return `${FACTS}/${encodeURIComponent(id)}`;
}
