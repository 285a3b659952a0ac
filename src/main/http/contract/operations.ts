import type { Context, Hono } from 'hono';
import { z } from 'zod';
import { demandRole, type Role } from '../access/roles.ts';
import type { Entrance } from '../entrance.ts';
import { readBody } from '../requests/body.ts';
import { queryReader } from '../requests/query.ts';

/** A route, declared once: by this it is mounted, its input is checked, and it is documented. */
export interface Operation<Query = unknown, Body = unknown> {
  method: 'get' | 'post' | 'patch' | 'delete';
  /** As OpenAPI writes it: `/api/v1/tasks/{id}`. */
  path: string;
  operationId: string;
  summary: string;
  description?: string;
  tag: string;
  /** The least that a caller has to be. */
  role: Role | 'anybody';
  /** An object. Its arrays are parameters that may be repeated. */
  query?: z.ZodType<Query>;
  /** A JSON body. */
  body?: z.ZodType<Body>;
  /** A body that the handler reads by itself: JSON Schema of each media type. */
  otherBody?: Record<string, { schema: Record<string, unknown> }>;
  /** Request headers that matter, each with what it does. */
  requestHeaders?: Record<string, string>;
  /** What is answered when all goes well, by status. */
  answers: Record<number, AnswerDescription>;
  /** Statuses of problems, besides those that every operation of its kind may answer. */
  problems?: readonly number[];
}

export interface AnswerDescription {
  description: string;
  /** Of a JSON answer, or of another one's text when `contentType` says so. */
  schema?: z.ZodType;
  /** @default application/json */
  contentType?: string;
  /** What else it may be, by media type. */
  otherMedia?: Record<string, z.ZodType>;
  /** Response headers, each with what it tells. */
  headers?: Record<string, string>;
}

export type Handle<Query, Body> = (
  c: Context,
  input: { query: Query; body: Body },
) => Response | Promise<Response>;

/** The API's operations: mounts them on an app, and remembers them for its document. */
export class Operations {
  readonly all: Operation[] = [];
  readonly #app: Hono;
  readonly #entrance: Entrance;
  readonly #maxBodyBytes: number;

  constructor(app: Hono, entrance: Entrance, options: { maxBodyBytes: number }) {
    this.#app = app;
    this.#entrance = entrance;
    this.#maxBodyBytes = options.maxBodyBytes;
  }

  /** Mounts an operation. The role is asked for first, then query and body are checked, then it is handled. */
  on<Query = undefined, Body = undefined>(
    operation: Operation<Query, Body>,
    handle: Handle<Query, Body>,
  ): void {
    const { method, path, role, query, body } = operation;
    this.all.push(operation as Operation);
    const checked = body && z.compile(body);
    const read = query === undefined ? () => undefined as Query : queryReader(query);
    const run = async (c: Context) => {
      if (role !== 'anybody') demandRole(c, role);
      return handle(c, {
        query: read(c),
        body: checked === undefined ? (undefined as Body) : await readBody(c, checked, this.#maxBodyBytes),
      });
    };
    this.#app.on(method, [path.replaceAll(/\{(\w+)\}/g, ':$1')], this.#entrance.through(path, run));
  }

  /** Mounts a page for people, which the document does not tell of and which needs no role. */
  page(path: string, show: (c: Context) => Response): void {
    this.#app.get(path, this.#entrance.through(path, show));
  }
}
