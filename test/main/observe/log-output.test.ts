import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type LogOutput, logOutput } from '../../../src/main/observe/log-output.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { waitFor } from '../../support/wait-for.ts';

/** Linux's disk that is always full. */
const FULL = '/dev/full';

test('on a full disk nothing is thrown; when there is room again, what was kept comes first, and it says how many lines are missing', {
  skip: !existsSync(FULL) && `needs ${FULL}`,
}, async (t) => {
  const directory = await temporaryDirectory();
  const full = openSync(FULL, 'w');
  const file = join(directory, 'log');
  const output = logOutput(full) as LogOutput & { fd: number };
  t.after(() => {
    closeSync(full);
    closeSync(output.fd);
    rmSync(directory, { recursive: true });
  });
  const padding = 'x'.repeat(1000);
  for (let number = 0; number < 3000; number++) output.write(`${JSON.stringify({ number, padding })}\n`);

  output.fd = openSync(file, 'w');
  output.write('{"number":3000}\n');
  const lines = await waitFor('the last line', () => {
    const all = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    return all.at(-1)?.event === 'log_lines_missing' ? all : null;
  });
  const numbers = lines.flatMap(({ number }) => (number === undefined ? [] : [number]));
  const { count } = lines.at(-1);
  assert.equal(numbers.length + count, 3001, 'each line is there or counted');
  assert.ok(count > 1000, `${count} are missing`);
  assert.deepEqual(
    numbers.slice(0, 1000),
    Array.from({ length: 1000 }, (_, at) => at),
  );
});
