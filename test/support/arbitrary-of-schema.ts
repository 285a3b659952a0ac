import fc from 'fast-check';

type Schema = Record<string, unknown>;

/**
 * Values that a JSON Schema allows: of those parts of the dialect that the API's document uses.
 * @param resolve finds the schema that a `$ref` means
 * @throws Error when the schema says something that is not known here
 */
export function arbitraryOfSchema(schema: Schema, resolve: (ref: string) => Schema): fc.Arbitrary<unknown> {
  const of = (part: Schema) => arbitraryOfSchema(part, resolve);
  if (typeof schema.$ref === 'string') return of(resolve(schema.$ref));
  if ('const' in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]));
  const either = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
  if (either !== undefined) return fc.oneof(...either.map(of));
  if (Array.isArray(schema.type)) return fc.oneof(...schema.type.map((type) => of({ ...schema, type })));
  switch (schema.type) {
    case undefined:
      return anyJson();
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'string':
      return text(schema);
    case 'integer':
      return fc.maxSafeInteger().map((value) => within(schema, value, 1));
    case 'number':
      return fc
        .double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 })
        .map((value) => within(schema, value, 0.5));
    case 'array':
      return fc.array(of((schema.items ?? {}) as Schema), {
        minLength: (schema.minItems ?? 0) as number,
        maxLength: Math.min((schema.maxItems ?? 5) as number, 5),
      });
    case 'object':
      return object(schema, of);
    default:
      throw new Error(`no values are known for the type ${String(schema.type)}`);
  }
}

/** Any JSON value that PostgreSQL can keep. */
export function anyJson(): fc.Arbitrary<unknown> {
  return fc.jsonValue({ maxDepth: 3 }).filter((value) => !/\\u0000|\\ud[89a-f]/i.test(JSON.stringify(value)));
}

function text({ pattern, format, minLength = 0, maxLength = 40 }: Schema): fc.Arbitrary<string> {
  if (format === 'date-time')
    return fc
      .date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
      .map((time) => time.toISOString());
  if (format === 'uuid') return fc.uuid();
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern as string, 'u'));
  return fc
    .string({
      minLength: minLength as number,
      maxLength: Math.min(maxLength as number, 60),
      unit: 'grapheme',
    })
    .filter((value) => !value.includes('\0') && value.length <= (maxLength as number));
}

/** Into the limits, by the distance from them. */
function within(schema: Schema, value: number, step: number): number {
  const low = (schema.minimum ??
    ((schema.exclusiveMinimum as number) + step || Number.NEGATIVE_INFINITY)) as number;
  const high = (schema.maximum ?? Number.POSITIVE_INFINITY) as number;
  if (low <= value && value <= high) return value;
  if (Number.isFinite(low) && Number.isFinite(high)) return low + (Math.abs(value) % (high - low + 1));
  return Number.isFinite(low) ? low + Math.abs(value % 1e6) : high - Math.abs(value % 1e6);
}

function object(schema: Schema, of: (part: Schema) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const {
    properties = {},
    required = [],
    additionalProperties,
  } = schema as {
    properties?: Record<string, Schema>;
    required?: string[];
    additionalProperties?: unknown;
  };
  const known = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, of(part)])),
    { requiredKeys: required, noNullPrototype: true },
  );
  if (additionalProperties === false || Object.keys(properties).length > 0) return known;
  return fc.dictionary(text({}), anyJson(), { maxKeys: 4, noNullPrototype: true });
}
