import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { LINES } from '../../../src/main/observe/log.ts';
import { packageRoot } from '../../../src/main/package-root.ts';

/* The table of events in docs/monitoring.md, held against the code. */

it('every event is in the table of docs/monitoring.md, with its level and its fields, and nothing else is', async () => {
  const levels = Object.entries(LINES).map(([event, { level }]) => [event, level] as const);
  const fields = fieldsOf(await readFile(`${packageRoot}src/main/observe/events.ts`, 'utf8'));
  const expected = levels.map(([event, level]) => ({ event, level, fields: fields.get(event) }));
  assert.deepEqual(rowsOf(await readFile(`${packageRoot}docs/monitoring.md`, 'utf8')), sorted(expected));
});

interface Row {
  event: string;
  level: string;
  fields: string[] | undefined;
}

/** Of the source: types are gone when it runs. A field that need not be there ends in `?`. */
function fieldsOf(source: string): Map<string, string[]> {
  const code = source.replaceAll(/\/\*\*?.*?\*\/|\/\/[^\n]*/gs, '');
  const types = code.matchAll(/\{\s*event: '(\w+)'([^}]*)\}/g);
  return new Map(
    [...types].map(([, event = '', rest = '']) => [
      event,
      [...rest.matchAll(/(\w+\??):/g)].map(([, name = '']) => name),
    ]),
  );
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
