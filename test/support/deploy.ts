import { readdirSync, readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { parseAllDocuments } from 'yaml';
import { packageRoot } from '../../src/main/package-root.ts';

/* The files that Heddle is deployed with, as tests read them. */

export const COMPOSE_FILES = [
  'compose.yaml',
  'compose.dev.yaml',
  ...filesIn('deploy').filter((file) => /\/compose\.[\w-]+\.yaml$/.test(file)),
];

export const MANIFESTS = filesIn('deploy/kubernetes').filter((file) => file.endsWith('.yaml'));

/** @param path from the project's root, as all paths here */
export function read(path: string): string {
  return readFileSync(`${packageRoot}${path}`, 'utf8');
}

/** The documents of a YAML file. @throws Error for what a strict reader would refuse, as a key that is there twice */
// biome-ignore lint/suspicious/noExplicitAny: the schemas are what checks their shape
export function readYaml(path: string): any[] {
  return parseYaml(read(path));
}

// biome-ignore lint/suspicious/noExplicitAny: as above
export function parseYaml(text: string): any[] {
  return parseAllDocuments(text, { merge: true, strict: true }).map((document) => {
    const [fault] = [...document.errors, ...document.warnings];
    if (fault !== undefined) throw fault;
    return document.toJS();
  });
}

/** A compose file as Compose sees it, where the environment says nothing, or that. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export function readCompose(path: string, env: Record<string, string> = {}): any {
  return parseYaml(interpolate(read(path), env))[0];
}

/** As Compose does it: `$$`, `${NAME}`, `${NAME:-default}` and `${NAME:?why it has to be set}`. */
export function interpolate(text: string, env: Record<string, string>): string {
  return text.replaceAll(VARIABLE, (whole, name?: string, otherwise = '') => {
    if (name === undefined) return whole.slice(1);
    return env[name] || (otherwise.startsWith(':-') ? otherwise.slice(2) : `the-${name}`);
  });
}

/** The variables that a compose file asks its environment for. */
export function variablesOf(path: string): string[] {
  return [...read(path).matchAll(VARIABLE)].flatMap(([, name]) => (name === undefined ? [] : [name]));
}

const VARIABLE = /\$\$|\$\{(\w+)(:[-?][^}]*)?\}/g;

/** A reader of what breaks a schema: one line each, none when all is right. */
export function faultsBy({ $schema: _, ...schema }: Record<string, unknown>): (value: unknown) => string[] {
  const ajv = addFormats.default(new Ajv({ strict: false, allErrors: true }));
  for (const [name, accepts] of FORMATS) ajv.addFormat(name, accepts);
  const validate: ValidateFunction = ajv.compile(schema);
  return (value) => {
    validate(value);
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath}: ${message} ${JSON.stringify(params)}`,
    );
  };
}

/** Of the compose schema; what they mean is for Compose itself to check. */
const FORMATS = [
  ['duration', /^(\d+(\.\d+)?(us|ms|s|m|h))+$/],
  ['ports', /./],
  ['expose', /./],
  ['subnet_ip_address', /./],
] as const;

function filesIn(folder: string): string[] {
  return readdirSync(`${packageRoot}${folder}`).map((name) => `${folder}/${name}`);
}
