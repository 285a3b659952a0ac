import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { LINES } from '../../../src/main/observe/log.ts';
import { packageRoot } from '../../../src/main/package-root.ts';

/* The table of events in docs/monitoring.md, held against the code. */

it('every event is in the table of docs/monitoring.md, with its level and its fields, and nothing else is', async () => {
  const types = typesIn(await readFile(`${packageRoot}src/main/observe/events.ts`, 'utf8'));
  assert.deepEqual(new Set(types.map(({ event }) => event)), new Set(Object.keys(LINES)));
  const expected = types.map(({ event, fields }) => ({ event, level: LINES[event].level, fields }));
  assert.deepEqual(rowsOf(await readFile(`${packageRoot}docs/monitoring.md`, 'utf8')), sorted(expected));
});

interface Row {
  event: string;
  level: string;
  fields: string[];
}

/**
 * Of the source: types are gone when it runs. One event can have several, each of another thing. A field that need not
 * be there ends in `?`.
 */
function typesIn(source: string): { event: keyof typeof LINES; fields: string[] }[] {
  const code = source.replaceAll(/\/\*\*?.*?\*\/|\/\/[^\n]*/gs, '');
  const types = code.matchAll(/\{\s*event: '(\w+)'([^}]*)\}/g);
  return [...types].map(([, event = '', rest = '']) => ({
    event: event as keyof typeof LINES,
    fields: [...rest.matchAll(/(\w+\??):/g)].map(([, name = '']) => name),
  }));
}

function rowsOf(page: string): Row[] {
  const rows = page.matchAll(/^\| `(\w+)` +\| (debug|info|warn|error) +\| ([^|]*)\|/gm);
  return sorted(
    [...rows].map(([, event = '', level = '', fields = '']) => ({
      event,
      level,
      fields: [...fields.matchAll(/`([\w?]+)`/g)].map(([, name = '']) => name),
    })),
  );
}

function sorted(rows: Row[]): Row[] {
  return rows.toSorted((a, b) => (a.event < b.event ? -1 : 1));
}
