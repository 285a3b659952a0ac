import { z } from 'zod';
import { version } from '../../package-root.ts';
import { problem } from '../schemas/common.ts';
import type { AnswerDescription, Operation } from './operations.ts';

/** OpenAPI 3.1 of operations, made of the schemas that check what comes in. Plain JSON. */
export function openApiDocument(operations: readonly Operation[]): OpenApiDocument {
  const schemas = new Schemas();
  schemas.of(problem, 'output');
  const paths: OpenApiDocument['paths'] = {};
  for (const operation of operations) {
    const path = paths[operation.path] ?? {};
    paths[operation.path] = path;
    path[operation.method] = describe(operation, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Heddle',
      version,
      description: INTRODUCTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: schemas.shared,
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
    },
  };
}

export interface OpenApiDocument {
  openapi: string;
  info: Record<string, unknown>;
  servers: { url: string }[];
  tags: { name: string }[];
  paths: Record<string, Partial<Record<Operation['method'], DocumentedOperation>>>;
  components: { schemas: Record<string, JsonSchema>; securitySchemes: Record<string, object> };
}

export interface DocumentedOperation {
  operationId: string;
  summary: string;
  description?: string;
  tags: string[];
  /** Not OpenAPI's own: the least role that a caller has to have. */
  'x-role': string;
  security: Record<string, string[]>[];
  parameters: Parameter[];
  requestBody?: { required: true; content: Record<string, { schema: JsonSchema }> };
  responses: Record<string, object>;
}

interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  description?: string;
  schema: JsonSchema;
  style?: 'form';
  explode?: boolean;
}

type JsonSchema = Record<string, unknown>;

const INTRODUCTION = `Background tasks on PostgreSQL. Errors are \`application/problem+json\` (RFC 9457). Where an id is asked \
for, a unique prefix or ending of at least 4 characters will do. \`null\` is as good as absent in bodies.`;

function describe(operation: Operation, schemas: Schemas): DocumentedOperation {
  const { operationId, summary, description, tag, role } = operation;
  const body = bodyOf(operation, schemas);
  return {
    operationId,
    summary,
    ...(description !== undefined && { description }),
    tags: [tag],
    'x-role': role,
    security: role === 'anybody' ? [] : [{ bearer: [] }],
    parameters: [
      ...pathParameters(operation),
      ...queryParameters(operation, schemas),
      ...headerParameters(operation),
    ],
    ...(body !== undefined && { requestBody: { required: true, content: body } }),
    responses: responsesOf(operation, schemas),
  };
}

function pathParameters({ path }: Operation): Parameter[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name: name as string,
    in: 'path',
    required: true,
    ...(name === 'id' ? ID : { schema: { type: 'string', minLength: 1 } }),
  }));
}

const ID = {
  description: 'An id, or a unique prefix or ending of at least 4 characters',
  schema: { type: 'string', minLength: 4, maxLength: 36, pattern: '^[0-9A-Fa-f-]+$' },
};

function queryParameters({ query }: Operation, schemas: Schemas): Parameter[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = schemas.of(query, 'input') as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(description !== undefined && { description: description as string }),
    schema,
    ...(schema.type === 'array' && { style: 'form', explode: true }),
  }));
}

function headerParameters({ requestHeaders = {} }: Operation): Parameter[] {
  return Object.entries(requestHeaders).map(([name, description]) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  }));
}

function bodyOf(
  { body, otherBody }: Operation,
  schemas: Schemas,
): Record<string, { schema: JsonSchema }> | undefined {
  if (body === undefined) return otherBody;
  return { 'application/json': { schema: schemas.of(body, 'input') }, ...otherBody };
}

function responsesOf(operation: Operation, schemas: Schemas): Record<string, object> {
  const answers = Object.entries(operation.answers).map(([status, answer]) => [
    status,
    responseOf(answer, schemas),
  ]);
  const problems = problemsOf(operation).map((status) => [status, PROBLEM]);
  return Object.fromEntries([...answers, ...problems]);
}

function responseOf({ description, headers, ...answer }: AnswerDescription, schemas: Schemas) {
  const content = contentOf(answer, schemas);
  return {
    description,
    ...(headers !== undefined && { headers: describedHeaders(headers) }),
    ...(content.length > 0 && { content: Object.fromEntries(content) }),
  };
}

function contentOf(
  { schema, contentType = 'application/json', otherMedia = {} }: Omit<AnswerDescription, 'description'>,
  schemas: Schemas,
): [media: string, { schema: JsonSchema }][] {
  const media = [
    ...(schema === undefined ? [] : [[contentType, schema] as const]),
    ...Object.entries(otherMedia),
  ];
  return media.map(([name, one]) => [name, { schema: schemas.of(one, 'output') }]);
}

function describedHeaders(headers: Record<string, string>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
  );
}

const PROBLEM = {
  description: 'A problem',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

/** Which problems an operation may answer, its own and those of its kind, in the order of their statuses. */
function problemsOf({ role, path, body, otherBody, problems = [], answers }: Operation): number[] {
  const statuses = new Set([400, 403, 429, 500, 503, ...problems]);
  if (role !== 'anybody') statuses.add(401);
  if (path.includes('{')) statuses.add(404);
  if (path.includes('{id}')) statuses.add(409);
  if (body !== undefined || otherBody !== undefined)
    for (const status of [413, 415, 422]) statuses.add(status);
  return [...statuses].filter((status) => !(status in answers)).sort((a, b) => a - b);
}

/** Turns zod schemas into JSON Schema, and collects those that have an id: they are shared. */
class Schemas {
  readonly shared: Record<string, JsonSchema> = {};

  of(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const made = z.toJSONSchema(schema, { io, unrepresentable: 'any', override: dropTimePattern });
    const { $schema: _dialect, $defs = {}, ...own } = pointAtComponents(made);
    Object.assign(this.shared, $defs);
    return own;
  }
}

/** Its format says the same, and can be read. */
function dropTimePattern({ jsonSchema }: { jsonSchema: JsonSchema }): void {
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
}

function pointAtComponents(schema: object): JsonSchema & { $defs?: Record<string, JsonSchema> } {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));
}
