/** A task as SeedCore's clients know it. */
export interface SeedCoreTask {
  id: string;
  type: string;
  description: string | null;
  params: Record<string, unknown>;
  domain: string | null;
  drift_score: number;
  status: string;
  result: Record<string, unknown> | null;
  error: string | null;
  created_at: string;
  updated_at: string;
}

/** A fact as SeedCore's clients know it. */
export interface SeedCoreFact {
  id: string;
  text: string;
  tags: string[];
  meta_data: Record<string, unknown>;
  created_at: string;
  updated_at: string;
}

export interface SeedCoreList<Item> {
  total: number;
  items: Item[];
}

/** What a client makes of an answer that is no success: it shows `detail` to a person. */
export class SeedCoreError extends Error {
  readonly status: number;
  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/** A client as people wrote them for SeedCore's tasks and facts API: what it sends and reads, and nothing else. */
export class SeedCoreClient {
  readonly #base: string;

  /** @param base the server's address, without a path */
  constructor(base: string) {
    this.#base = base;
  }

  createTask(task: Record<string, unknown>): Promise<SeedCoreTask> {
    return this.#ask('POST', '/api/v1/tasks', task);
  }

  listTasks(query = ''): Promise<SeedCoreList<SeedCoreTask>> {
    return this.#ask('GET', `/api/v1/tasks${query}`);
  }

  getTask(id: string): Promise<SeedCoreTask> {
    return this.#ask('GET', `/api/v1/tasks/${id}`);
  }

  /** Without a body, and without a Content-Type, as `requests.post(url)` does it. */
  runTask(id: string): Promise<SeedCoreTask> {
    return this.#ask('POST', `/api/v1/tasks/${id}/run`);
  }

  cancelTask(id: string): Promise<SeedCoreTask> {
    return this.#ask('POST', `/api/v1/tasks/${id}/cancel`);
  }

  taskStatus(id: string): Promise<Pick<SeedCoreTask, 'id' | 'status' | 'updated_at' | 'error'>> {
    return this.#ask('GET', `/api/v1/tasks/${id}/status`);
  }

  createFact(fact: Record<string, unknown>): Promise<SeedCoreFact> {
    return this.#ask('POST', '/api/v1/facts', fact);
  }

  listFacts(query: Record<string, string> = {}): Promise<SeedCoreList<SeedCoreFact>> {
    return this.#ask('GET', `/api/v1/facts?${new URLSearchParams(query)}`);
  }

  getFact(id: string): Promise<SeedCoreFact> {
    return this.#ask('GET', `/api/v1/facts/${id}`);
  }

  updateFact(id: string, changes: Record<string, unknown>): Promise<SeedCoreFact> {
    return this.#ask('PATCH', `/api/v1/facts/${id}`, changes);
  }

  deleteFact(id: string): Promise<{ deleted: string }> {
    return this.#ask('DELETE', `/api/v1/facts/${id}`);
  }

  /** @throws SeedCoreError when the answer is no 2xx */
  async #ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const json = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(this.#base + path, { method, ...(body !== undefined && json) });
    const answer = (await response.json()) as { detail?: unknown };
    if (!response.ok) throw new SeedCoreError(response.status, answer.detail as string);
    return answer as Answer;
  }
}
