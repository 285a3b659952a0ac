import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readArguments } from '../../bench/support/arguments.ts';

test('the benchmark takes names, numbers and lists', () => {
  assert.deepEqual(
    readArguments(['peers', '--workloads', 'drain, cpu', '--peers=bullmq,', '--rounds', '5']),
    {
      names: ['peers'],
      quick: false,
      write: false,
      rounds: 5,
      workloads: ['drain', 'cpu'],
      peers: ['bullmq'],
    },
  );
  assert.deepEqual(readArguments(['memory', '--minutes', '0.5', '--quick', '--write']), {
    names: ['memory'],
    quick: true,
    write: true,
    minutes: 0.5,
  });
  assert.deepEqual(readArguments([]), { names: [], quick: false, write: false });
});

test('what the benchmark does not understand is told by name', () => {
  for (const value of ['none', '0', '-1', ''])
    assert.throws(() => readArguments([`--rounds=${value}`]), /--rounds must be a number above 0/);
  assert.throws(() => readArguments(['--fast']), /--fast/);
});
