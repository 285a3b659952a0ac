import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { DocumentedOperation } from '../../../src/main/http/contract/openapi.ts';
import { anyJson, arbitraryOfSchema } from '../../support/arbitrary-of-schema.ts';
import { publishDocumentTypes } from '../../support/document-types.ts';
import { type Answer, startTestApi, type TestApi } from '../../support/test-api.ts';

/*
 * Requests made from the API's own document. That each answer is one that the document promises is checked by the test
 * support, wherever an answer comes from.
 */

let api: TestApi;
let ids: string[];

before(async () => {
  api = await startTestApi();
  await publishDocumentTypes(api.database); // So that documents are taken.
  ids = [];
  for (let n = 0; n < 3; n++) ids.push((await api.submit({ type: 'anything' })).id as string);
});
after(() => api?.stop());

interface Call {
  operation: DocumentedOperation;
  method: string;
  path: string;
  query: string;
  body: unknown;
}

describe('requests that the document allows', () => {
  it('are answered as it says, and never by a 5xx', async () => {
    await eachOperation(async (template, method, operation) => {
      let succeeded = 0;
      await fc.assert(
        fc.asyncProperty(allowedCall(template, method, operation), async (call) => {
          const { status } = await send(call);
          assert.ok(status < 500, `${status}`);
          if (status < 300) succeeded++;
        }),
        { numRuns: RUNS },
      );
      if (hasSubject(template) && hasJsonBody(operation))
        assert.ok(succeeded > 0 || method === 'delete', `${operation.operationId} never succeeds`);
    });
  });
});

describe('requests that the document does not allow', () => {
  it('are a problem in every body that is another one', async () => {
    await eachOperation(async (template, method, operation) => {
      const schema = bodySchema(operation);
      if (schema === undefined) return;
      const isAllowed = api.contract.validator(schema);
      const others = fc
        .oneof(anyJson(), spoiled(arbitraryOfSchema(schema, resolve)))
        .filter((body) => !isAllowed(body));
      await fc.assert(
        fc.asyncProperty(allowedCall(template, method, operation), others, async (call, body) => {
          const { status, json } = await send({ ...call, body });
          assert.ok(status >= 400 && status < 500, `${status}`);
          assert.equal(json.status, status);
        }),
        { numRuns: RUNS },
      );
    });
  });

  it('are a problem in every parameter that is another one', async () => {
    await eachOperation(async (template, method, operation) => {
      for (const { name, schema } of operation.parameters.filter((parameter) => parameter.in === 'query')) {
        const isAllowed = api.contract.validator(asText(schema));
        const others = fc.string({ minLength: 1 }).filter((value) => !isAllowed(value));
        if (isAllowed('x\u{1F9F5}')) continue; // Any text will do.
        await fc.assert(
          fc.asyncProperty(allowedCall(template, method, operation), others, async (call, value) => {
            const { status } = await send({ ...call, query: `?${new URLSearchParams({ [name]: value })}` });
            assert.equal(status, 400);
          }),
          { numRuns: RUNS },
        );
      }
    });
  });
});

const RUNS = 25;

async function eachOperation(
  work: (template: string, method: string, operation: DocumentedOperation) => Promise<void>,
): Promise<void> {
  for (const [template, item] of Object.entries(api.contract.document.paths)) {
    for (const [method, operation] of Object.entries(item)) await work(template, method, operation);
  }
}

function allowedCall(template: string, method: string, operation: DocumentedOperation): fc.Arbitrary<Call> {
  const schema = bodySchema(operation);
  return fc.record({
    operation: fc.constant(operation),
    method: fc.constant(method.toUpperCase()),
    path: fc.constantFrom(...ids).map((id) => template.replace('{id}', id).replace(/\{\w+\}/, 'nobody')),
    query: queryOf(operation),
    body: schema === undefined ? fc.constant(undefined) : arbitraryOfSchema(schema, resolve).map(ofKnownType),
  });
}

/** A submission is of a type that there is: what types there are, the document cannot say. */
function ofKnownType(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(ofKnownType);
  if (typeof body !== 'object' || body === null) return body;
  const inner = Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, name === 'tasks' ? ofKnownType(value) : value]),
  );
  return 'type' in inner ? { ...inner, type: 'anything' } : inner;
}

/** There are tasks, and no other things to name. */
function hasSubject(template: string): boolean {
  return !template.includes('{') || template.startsWith('/api/v1/tasks/{id}');
}

/** An upload is none. */
function hasJsonBody({ requestBody }: DocumentedOperation): boolean {
  return requestBody === undefined || 'application/json' in requestBody.content;
}

function queryOf({ parameters }: DocumentedOperation): fc.Arbitrary<string> {
  // What a cursor is, only the answer before tells.
  const known = parameters.filter((parameter) => parameter.in === 'query' && parameter.name !== 'cursor');
  const values = Object.fromEntries(
    known.map(({ name, schema }) => [
      name,
      fc.option(arbitraryOfSchema(schema, resolve), { nil: undefined }),
    ]),
  );
  return fc.record(values).map((chosen) => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(chosen)) {
      for (const one of Array.isArray(value) ? value : [value]) {
        if (one !== undefined && one !== null) query.append(name, String(one));
      }
    }
    return query.size === 0 ? '' : `?${query}`;
  });
}

/** A value with a member more, a member less, or one of another kind. */
function spoiled(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.tuple(values, fc.nat(), anyJson()).map(([value, which, other]) => {
    if (typeof value !== 'object' || value === null) return other;
    const names = Object.keys(value);
    const name = names[which % (names.length + 1)] ?? 'surplus';
    const { [name]: _gone, ...rest } = value as Record<string, unknown>;
    return which % 2 === 0 ? rest : { ...rest, [name]: other };
  });
}

async function send({ method, path, query, body }: Call): Promise<Answer> {
  return api.call(method, `${path}${query}`, body);
}

function bodySchema({ requestBody }: DocumentedOperation): Record<string, unknown> | undefined {
  return requestBody?.content['application/json']?.schema;
}

/** The schema of a parameter's text: numbers are written in digits. */
function asText(schema: Record<string, unknown>): object {
  const one = (schema.type === 'array' ? schema.items : schema) as Record<string, unknown>;
  if (one.type === 'integer') return { type: 'string', pattern: one.pattern };
  return one;
}

function resolve(ref: string): Record<string, unknown> {
  const name = ref.split('/').at(-1) as string;
  return api.contract.document.components.schemas[name] as Record<string, unknown>;
}
