import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readHints, renameHints, reverseHints } from '../../../../src/main/migrate/generate/hints.ts';
import type { Delta } from '../../../../src/main/migrate/generate/snapshots.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const renamed = (type: string, names: string[], set: Record<string, string>): Delta => ({
  op: 'rename',
  key: `${type}\0${JSON.stringify(names)}`,
  set,
});

test('on the way back a column is renamed in a table that has its old name again', () => {
  const deltas = [
    renamed('schemas', ['old'], { name: 'new' }),
    renamed('tables', ['new', 'tasks'], { name: 'jobs' }),
    renamed('columns', ['new', 'jobs', 'title'], { name: 'subject' }),
    renamed('enums', ['public', 'status'], { name: 'state' }),
  ];
  assert.deepEqual(renameHints(deltas).at(2), {
    type: 'rename',
    kind: 'column',
    from: ['new', 'jobs', 'title'],
    to: ['new', 'jobs', 'subject'],
  });
  assert.deepEqual(reverseHints(deltas), [
    { type: 'rename', kind: 'schema', from: ['new'], to: ['old'] },
    { type: 'rename', kind: 'table', from: ['old', 'jobs'], to: ['old', 'tasks'] },
    { type: 'rename', kind: 'column', from: ['old', 'tasks', 'subject'], to: ['old', 'tasks', 'title'] },
    { type: 'rename', kind: 'enum', from: ['public', 'state'], to: ['public', 'status'] },
  ]);
});

test('a table that moved to another schema moves back', () => {
  const deltas = [
    renamed('tables', ['public', 'tasks'], { schema: 'work' }),
    renamed('columns', ['work', 'tasks', 'a'], { name: 'b' }),
  ];
  assert.deepEqual(reverseHints(deltas), [
    { type: 'rename', kind: 'table', from: ['work', 'tasks'], to: ['public', 'tasks'] },
    { type: 'rename', kind: 'column', from: ['public', 'tasks', 'b'], to: ['public', 'tasks', 'a'] },
  ]);
});

test('a file of hints that are not hints is refused, naming the entry and what it must be', async (t) => {
  const directory = await temporaryDirectory();
  t.after(() => rm(directory, { recursive: true }));
  const file = join(directory, 'hints.json');
  const good = { type: 'create', kind: 'column', entity: ['public', 'a', 'b'] };
  const faults: [string, RegExp][] = [
    ['{}', /it must be an array of hints/],
    ['[', /JSON/],
    [JSON.stringify([good, { ...good, entity: 'b' }]), /entry 2 must be \{"type": "rename"/],
    [JSON.stringify([{ type: 'banana' }]), /entry 1 must be/],
  ];
  for (const [content, fault] of faults) {
    await writeFile(file, content);
    await assert.rejects(readHints(file), { exitCode: 2, message: fault });
  }
  await writeFile(file, JSON.stringify([good]));
  assert.deepEqual(await readHints(file), [good]);
});
