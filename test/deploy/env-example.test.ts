import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readConfig, SECRETS, settings } from '../../src/main/config.ts';
import { COMPOSE_FILES, read, variablesOf } from '../support/deploy.ts';

/* .env.example, held against what reads it. */

/** Also those that are commented out. */
const entries = [...read('.env.example').matchAll(/^#?([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(
  ([, name = '', value = '']) => ({ name, value }),
);

it('has every variable of the configuration and of the compose files, once, and no other', () => {
  const known = [
    ...Object.keys(settings.shape),
    ...SECRETS.map((name) => `${name}_FILE`),
    ...COMPOSE_FILES.flatMap(variablesOf),
  ];
  assert.deepEqual(entries.map(({ name }) => name).sort(), [...new Set(known)].sort());
});

it('has values that the configuration takes, and shows its defaults', () => {
  const shown = Object.fromEntries(
    entries
      .filter(({ name }) => name in settings.shape && !ELSEWHERE.has(name))
      .map(({ name, value }) => [name, value]),
  );
  const { database, documents, http, ...rest } = readConfig(shown);
  const byDefault = readConfig({});
  assert.deepEqual(rest, {
    ...byDefaultBut(byDefault),
    runner: { ...byDefault.runner, threads: Number(shown.THREADS), threadMaxHeapMb: 512 },
  });
  assert.equal(http.maxBodyBytes, byDefault.http.maxBodyBytes);
  assert.equal(documents.chunkCharacters, byDefault.documents.chunkCharacters);
  assert.ok(database.url?.startsWith('postgresql://'));
});

/** A folder that is not there. */
const ELSEWHERE = new Set(['TASKS_DIR']);

function byDefaultBut({ database: _, documents: __, http: ___, ...rest }: ReturnType<typeof readConfig>) {
  return rest;
}
