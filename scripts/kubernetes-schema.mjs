// Makes test/schemas/kubernetes.json: of Kubernetes' own API document the kinds that deploy/kubernetes/ uses, and what they
// are made of, as JSON Schemas that allow no other fields, and without descriptions.
// Usage: node scripts/kubernetes-schema.mjs < api/openapi-spec/swagger.json   (a file of the repository kubernetes/kubernetes)
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const KINDS = [
  'apps.v1.Deployment',
  'autoscaling.v2.HorizontalPodAutoscaler',
  'batch.v1.Job',
  'core.v1.ConfigMap',
  'core.v1.Secret',
  'core.v1.Service',
  'networking.v1.NetworkPolicy',
  'policy.v1.PodDisruptionBudget',
].map((kind) => `io.k8s.api.${kind}`);

const { definitions } = JSON.parse(readFileSync(0, 'utf8'));
const used = {};
for (const kind of KINDS) take(kind);
const target = fileURLToPath(new URL('../test/schemas/kubernetes.json', import.meta.url));
writeFileSync(target, `${JSON.stringify({ kinds: KINDS, definitions: used }, null, 1)}\n`);
console.log(`${KINDS.length} kinds, ${Object.keys(used).length} definitions`);

function take(name) {
  if (name in used) return;
  used[name] = {}; // Some contain themselves.
  used[name] = schemaOf(definitions[name]);
}

function schemaOf(node) {
  if (Array.isArray(node)) return node.map(schemaOf);
  if (node === null || typeof node !== 'object') return node;
  // Such as 8000, or "25%".
  if (node.format === 'int-or-string') return { type: ['integer', 'string'] };
  const schema = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === 'description' && typeof value === 'string') continue;
    if (key.startsWith('x-kubernetes-') && key !== 'x-kubernetes-group-version-kind') continue;
    if (key === '$ref') take(value.slice('#/definitions/'.length));
    schema[key] = key === 'properties' ? propertiesOf(value) : schemaOf(value);
  }
  if (schema.properties && schema.additionalProperties === undefined) schema.additionalProperties = false;
  return schema;
}

/** Here every key is the name of a field, also `description`. */
function propertiesOf(properties) {
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, schemaOf(value)]));
}
