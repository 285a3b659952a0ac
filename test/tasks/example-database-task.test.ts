import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import example from '../../src/tasks/example-database-task.ts';
import periodic from '../../src/tasks/example-periodic-task.ts';
import type { PeriodicContext } from '../../src/workers/define-task.ts';
import { attemptContext } from '../support/attempt-context.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;

before(async () => {
  database = await createTestDatabase();
});

after(() => database.drop());

test('the example echoes its payload and says so in its log', async () => {
  const payload = { message: 'hello', count: 2 };
  const { context, lines } = await attemptContext(database.pool(), 'example-database-task', payload);
  assert.deepEqual(await example.run(context), payload);
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).count),
    [2],
  );
});

for (const count of [0, -1, 1.5, '2', null]) {
  test(`a count of ${JSON.stringify(count)} is refused`, () => {
    assert.equal(example.payload.safeParse({ message: 'hello', count }).success, false);
  });
}

test('the periodic example runs every 30 seconds and logs one line', async () => {
  const lines: string[] = [];
  const log = pino({}, { write: (line) => void lines.push(line) });
  await periodic.run({ log } as PeriodicContext);
  assert.equal(periodic.every, '30 seconds');
  assert.equal(lines.length, 1);
});
