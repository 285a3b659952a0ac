import type { Hono } from 'hono';
import type pg from 'pg';
import { type Config, readConfig } from '../../src/main/config.ts';
import { FinishWatch } from '../../src/main/engine/finish-watch.ts';
import { TaskTypeCatalogue } from '../../src/main/engine/task-types.ts';
import { TaskWatch } from '../../src/main/engine/task-watch.ts';
import { createApp } from '../../src/main/http/app.ts';
import type { OpenApiDocument } from '../../src/main/http/contract/openapi.ts';
import type { PendingMigrations, Phase } from '../../src/main/http/parts.ts';
import { type CapturedEvents, captureEvents } from './capture-events.ts';
import { Contract } from './contract.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { publishTaskTypes } from './task-types.ts';

/** An answer, its JSON read. */
export interface Answer {
  status: number;
  headers: Headers;
  /** As it came. */
  text: string;
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
  /** To be served on a socket, where that matters. */
  app: Hono;
  /** The API's document of itself. */
  contract: Contract;
  database: pg.Pool;
  events: CapturedEvents;
  stop(): Promise<void>;
}

interface Options {
  env?: NodeJS.ProcessEnv;
  /** Default: a new one, which `stop` drops. */
  database?: pg.Pool;
  pendingMigrations?: PendingMigrations;
  phase?: () => Phase;
}

/**
 * The API without a socket, on a database of its own in which the task types of `task-types.ts` are published. What it
 * answers is held against its own document.
 */
export async function startTestApi({
  env = {},
  database: given,
  pendingMigrations = none,
  phase = () => 'running',
}: Options = {}): Promise<TestApi> {
  const testDatabase = given === undefined ? await createTestDatabase() : null;
  const database = given ?? (testDatabase as TestDatabase).pool();
  if (testDatabase !== null) await publishTaskTypes(database);
  const events = captureEvents();
  const { observe } = events;
  const config: Config = readConfig(env);
  const catalogue = new TaskTypeCatalogue(database);
  const finishes = new FinishWatch(database, observe);
  const watch = new TaskWatch(database, observe);
  const app = createApp({ config, database, catalogue, observe, finishes, watch, pendingMigrations, phase });

  const contract = new Contract(await documentOf(app, config.http));

  async function send(path: string, init: RequestInit): Promise<Answer> {
    const response = await app.request(path, init);
    const text = await textOf(response);
    const { status, headers } = response;
    const isJson = text !== '' && headers.get('content-type')?.includes('json');
    const json = isJson ? JSON.parse(text) : text;
    contract.check(init.method ?? 'GET', path, { status, headers, content: json });
    return { status, headers, text, json };
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
    app,
    contract,
    submit: async (submission) => (await call('POST', '/api/v1/tasks', submission)).json,
    database,
    events,
    async stop() {
      finishes.stop();
      watch.stop();
      await testDatabase?.drop();
    },
  };
}

/** The whole answer; of a stream, which may have no end, its beginning. */
async function textOf(response: Response): Promise<string> {
  if (response.headers.get('content-type') !== 'text/event-stream') return response.text();
  for await (const chunk of response.body as ReadableStream<Uint8Array>) return Buffer.from(chunk).toString();
  return '';
}

/** Asked as an admin: tests may set tokens. */
async function documentOf(app: Hono, { tokens }: Config['http']): Promise<OpenApiDocument> {
  const [admin] = tokens.filter(({ role }) => role === 'admin');
  const headers = admin === undefined ? {} : { authorization: `Bearer ${admin.token}` };
  return (await (await app.request('/openapi.json', { headers })).json()) as OpenApiDocument;
}

const none: PendingMigrations = async () => [];
