import type pg from 'pg';
import { type Config, readConfig } from '../../src/main/config.ts';
import { FinishWatch } from '../../src/main/engine/finish-watch.ts';
import { TaskTypeCatalogue } from '../../src/main/engine/task-types.ts';
import { createApp } from '../../src/main/http/app.ts';
import type { PendingMigrations } from '../../src/main/http/parts.ts';
import { type CapturedEvents, captureEvents } from './capture-events.ts';
import { createTestDatabase } from './database.ts';
import { publishTaskTypes } from './task-types.ts';

/** An answer, its JSON read. */
export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: assertions are what checks the shape of answers
  json: any;
}

export interface TestApi {
  /** Sends a JSON body when there is one. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Sends a request as it is. */
  send(path: string, init: RequestInit): Promise<Answer>;
  /** Submits a task and returns it. */
  submit(submission: Record<string, unknown>): Promise<Answer['json']>;
  database: pg.Pool;
  events: CapturedEvents;
  stop(): Promise<void>;
}

interface Options {
  env?: NodeJS.ProcessEnv;
  pendingMigrations?: PendingMigrations;
}

/** The API without a socket, on a database of its own in which the task types of `task-types.ts` are published. */
export async function startTestApi({ env = {}, pendingMigrations = none }: Options = {}): Promise<TestApi> {
  const testDatabase = await createTestDatabase();
  const database = testDatabase.pool();
  await publishTaskTypes(database);
  const events = captureEvents();
  const { observe } = events;
  const config: Config = readConfig(env);
  const catalogue = new TaskTypeCatalogue(database);
  const finishes = new FinishWatch(database, observe);
  const app = createApp({ config, database, catalogue, observe, finishes, pendingMigrations });

  async function send(path: string, init: RequestInit): Promise<Answer> {
    const response = await app.request(path, init);
    const text = await response.text();
    const isJson = text !== '' && response.headers.get('content-type')?.includes('json');
    return { status: response.status, headers: response.headers, json: isJson ? JSON.parse(text) : text };
  }

  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    if (body === undefined) return send(path, { method, headers });
    return send(path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }

  return {
    call,
    send,
    submit: async (submission) => (await call('POST', '/api/v1/tasks', submission)).json,
    database,
    events,
    async stop() {
      finishes.stop();
      await testDatabase.drop();
    },
  };
}

const none: PendingMigrations = async () => [];
