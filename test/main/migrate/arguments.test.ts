import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readArguments } from '../../../src/main/migrate/arguments.ts';
import { MigrationError } from '../../../src/main/migrate/error.ts';
import { runMigrateAlone } from '../../support/migration-bench.ts';

const usageFault = (argv: string[]) => {
  try {
    readArguments(argv);
  } catch (error) {
    assert.ok(error instanceof MigrationError);
    assert.equal(error.exitCode, 2);
    assert.equal(error.faults.length, 1);
    return error.message;
  }
  assert.fail(`accepted: ${argv.join(' ')}`);
};

test('arguments become a command with its defaults', () => {
  const defaults = { lockTimeoutSeconds: 60, waitSeconds: 30 };
  assert.deepEqual(readArguments(['--up', '--lock-timeout', '1.5', '--wait', '0', '--dir', 'x']), {
    action: 'up',
    dryRun: false,
    to: undefined,
    allowOutOfOrder: false,
    lockTimeoutSeconds: 1.5,
    waitSeconds: 0,
    directory: 'x',
  });
  assert.deepEqual(readArguments(['--rollback']), {
    action: 'rollback',
    dryRun: false,
    count: 1,
    ...defaults,
  });
  assert.deepEqual(readArguments(['--status']), {
    action: 'status',
    json: false,
    exitCode: false,
    ...defaults,
  });
});

test('a repair is of one migration, or accepts any number of edited ones', () => {
  const read = (...argv: string[]) => {
    const command = readArguments(['--repair', ...argv]);
    return command.action === 'repair' && [command.ids, command.as, command.dryRun];
  };
  assert.deepEqual(read('a', '--as', 'applied'), [['a'], 'applied', false]);
  assert.deepEqual(read('--as=pending', 'a', '--dry-run'), [['a'], 'pending', true]);
  assert.deepEqual(read('--accept'), [[], 'accepted', false]);
  assert.deepEqual(read('a', 'b', '--accept'), [['a', 'b'], 'accepted', false]);
});

test('what cannot be understood is one line and exit code 2', () => {
  const wrong = [
    [],
    ['--up', '--rollback'],
    ['--up', '--json'],
    ['--status', '-n', '1'],
    ['--rollback', '-n', '-1'],
    ['--up', 'extra'],
    ['--upp'],
    ['--up', '--wait', 'soon'],
    ['--up', '--wait=-1'],
    ['--up', '--to'],
    ['--repair'],
    ['--repair', 'a', '--as'],
    ['--repair', 'a', '--as', 'done'],
    ['--repair', '--as', 'applied'],
    ['--repair', 'a', 'b', '--as', 'applied'],
    ['--repair', 'a', '--as', 'applied', '--accept'],
    ['--baseline'],
    ['--baseline', 'a', 'b'],
    ['--baseline', 'a', '--up'],
  ];
  for (const argv of wrong) assert.doesNotMatch(usageFault(argv), /\n/, argv.join(' '));
});

test('help goes to standard output, errors to standard error', async () => {
  const help = await runMigrateAlone('postgresql://nowhere', '--help');
  assert.deepEqual([help.code, help.stderr], [0, '']);
  assert.match(help.stdout, /heddle migrate --rollback \[-n N\]/);
  const wrong = await runMigrateAlone('postgresql://nowhere', '--status', '--up');
  assert.deepEqual([wrong.code, wrong.stdout], [2, '']);
  assert.match(wrong.stderr, /^say one, and only one, of .*\n$/);
});
