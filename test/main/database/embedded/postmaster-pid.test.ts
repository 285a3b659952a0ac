import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePostmasterPid } from '../../../../src/main/database/embedded/postmaster-pid.ts';

const WHOLE = '4711\n/data/postgres\n1795308930\n5991\n\n127.0.0.1\n  2162847        14\nready   \n';

test('a complete postmaster.pid tells process, port and status', () => {
  assert.deepEqual(parsePostmasterPid(WHOLE), { pid: 4711, port: 5991, status: 'ready' });
  assert.equal(parsePostmasterPid(WHOLE.replace('ready   ', 'stopping'))?.status, 'stopping');
});

test('one that is still being written is of a server that starts', () => {
  assert.deepEqual(parsePostmasterPid('4711\n/data/postgres\n'), { pid: 4711, port: 0, status: 'starting' });
});

test('an empty or foreign file is of no server', () => {
  for (const text of ['', '\n', 'hello\n', '-4711\n', '0\n'])
    assert.equal(parsePostmasterPid(text), undefined);
});
