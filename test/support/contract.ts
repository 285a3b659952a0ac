import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { DocumentedOperation, OpenApiDocument } from '../../src/main/http/contract/openapi.ts';

interface Response {
  status: number;
  headers: Headers;
  /** Text, or the JSON read. */
  content: unknown;
}

/** What the API's own document promises: every answer that a test gets is held against it. */
export class Contract {
  readonly document: OpenApiDocument;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #validators = new Map<unknown, ValidateFunction>();

  constructor(document: OpenApiDocument) {
    this.document = document;
    addFormats.default(this.#ajv);
    this.#ajv.addSchema(document, ROOT);
  }

  /** The operation that a request means, or undefined when there is none. */
  operation(method: string, path: string): DocumentedOperation | undefined {
    const { pathname } = new URL(path, 'http://localhost');
    const verb = method === 'HEAD' ? 'get' : method.toLowerCase();
    const candidates = Object.entries(this.document.paths).filter(([template]) =>
      asPattern(template).test(pathname),
    );
    // A literal path comes before one with a parameter in its place, whatever methods it has.
    const [best] = candidates.sort(([a], [b]) => parameters(a) - parameters(b));
    return best?.[1][verb as 'get'];
  }

  /** @throws AssertionError when the document does not promise such an answer */
  check(method: string, path: string, response: Response): void {
    const operation = this.operation(method, path);
    if (operation === undefined) return;
    const { status, headers, content } = response;
    const promised = operation.responses[status] as { content?: Record<string, { schema: object }> };
    const what = `${method} ${path} → ${status}`;
    assert.ok(promised !== undefined, `${what}: ${operation.operationId} does not promise this status`);
    if (method === 'HEAD' || status === 204 || promised.content === undefined) return;
    const type = headers.get('content-type')?.split(';')[0] ?? 'none';
    const media = promised.content[type];
    assert.ok(media !== undefined, `${what}: ${operation.operationId} does not promise ${type}`);
    const validate = this.validator(media.schema);
    assert.ok(
      validate(content),
      `${what}: not as promised: ${this.#ajv.errorsText(validate.errors)}\n${JSON.stringify(content)?.slice(0, 2000)}`,
    );
  }

  /** Checks values by a schema of the document. */
  validator(schema: object): ValidateFunction {
    const known = this.#validators.get(schema);
    if (known !== undefined) return known;
    const validate = this.#ajv.compile(pointInto(schema));
    this.#validators.set(schema, validate);
    return validate;
  }
}

const ROOT = 'openapi.json';

function pointInto(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', `"${ROOT}#/components/`)) as object;
}

function asPattern(template: string): RegExp {
  return new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`);
}

function parameters(template: string): number {
  return template.split('{').length;
}
