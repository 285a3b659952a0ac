/*
 * Which params are secret. A task type marks them in its schema: `z.string().meta({ secret: true })`. The mark is
 * published with the schema, as JSON Schema.
 */

/** What is shown instead of a secret. */
export const SECRET = '[secret]';

/** A JSON Schema, of which only this matters. */
type Schema = Readonly<Record<string, unknown>>;

/** Whether anything is marked at all. It may say yes when nothing is. */
export function marksSecrets(schema: Schema): boolean {
  return JSON.stringify(schema).includes('"secret":true');
}

/** A copy of params in which everything secret is `[secret]`. @param schema of the params */
export function hideSecrets(params: Record<string, unknown>, schema: Schema): Record<string, unknown> {
  const said = saying([schema], schema);
  return Object.fromEntries(
    Object.entries(params).map(([key, value]) => [
      key,
      isSecret(said) ? SECRET : hide(value, propertySchemas(said, key), schema),
    ]),
  );
}

/** The texts and numbers in params that are secret. @param schema of the params */
export function secretsOf(params: unknown, schema: Schema): string[] {
  const secrets: string[] = [];
  const look = (value: unknown, schemas: readonly unknown[], within: boolean): void => {
    const said = saying(schemas, schema);
    const secret = within || isSecret(said);
    if (Array.isArray(value)) {
      for (const [at, item] of value.entries()) look(item, itemSchemas(said, at), secret);
    } else if (isObject(value)) {
      for (const [key, inner] of Object.entries(value)) look(inner, propertySchemas(said, key), secret);
    } else if (secret && (typeof value === 'string' || typeof value === 'number'))
      secrets.push(String(value));
  };
  look(params, [schema], false);
  return secrets;
}

function hide(value: unknown, schemas: readonly unknown[], root: Schema): unknown {
  const said = saying(schemas, root);
  if (isSecret(said)) return SECRET;
  if (Array.isArray(value)) return value.map((item, at) => hide(item, itemSchemas(said, at), root));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, hide(inner, propertySchemas(said, key), root)]),
  );
}

/**
 * All that these schemas say of one and the same value: with what they refer to, and every alternative. Which of the
 * alternatives holds is not asked: what is secret in one of them is secret.
 */
function saying(schemas: readonly unknown[], root: Schema): Schema[] {
  const all = new Set<Schema>();
  const add = (schema: unknown): void => {
    if (!isObject(schema) || all.has(schema)) return;
    all.add(schema);
    for (const part of PARTS) if (Array.isArray(schema[part])) for (const one of schema[part]) add(one);
    if (typeof schema.$ref === 'string') add(resolve(schema.$ref, root));
  };
  for (const schema of schemas) add(schema);
  return [...all];
}

const PARTS = ['allOf', 'anyOf', 'oneOf'] as const;

/** @param reference such as `#/$defs/user` */
function resolve(reference: string, root: Schema): unknown {
  const names = reference.split('/').slice(1);
  return names.reduce<unknown>(
    (at, name) =>
      isObject(at) ? at[decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~')] : undefined,
    root,
  );
}

function isSecret(said: readonly Schema[]): boolean {
  return said.some(({ secret }) => secret === true);
}

function propertySchemas(said: readonly Schema[], key: string): unknown[] {
  return said.flatMap(({ properties, patternProperties, additionalProperties }) => [
    isObject(properties) && Object.hasOwn(properties, key) ? properties[key] : additionalProperties,
    ...(isObject(patternProperties) ? Object.values(patternProperties) : []),
  ]);
}

function itemSchemas(said: readonly Schema[], at: number): unknown[] {
  return said.map(({ prefixItems, items }) => (Array.isArray(prefixItems) && prefixItems[at]) || items);
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
