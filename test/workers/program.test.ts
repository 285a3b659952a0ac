import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { runProgram } from '../../src/workers/program.ts';

const { signal } = new AbortController();
const options = { signal, timeoutSeconds: 30 };

test('a program gets its arguments as they are, and its input', async () => {
  const args = ['-c', 'printf "%s|" "$@"; cat; echo oops >&2; exit 7', 'sh', 'a b', '$(id)', '"; exit 1', ''];
  const end = await runProgram('sh', args, { ...options, input: pieces('one ', 'two') });
  assert.deepEqual(
    { ...end, output: end?.output.toString() },
    { code: 7, output: 'a b|$(id)|"; exit 1||one two', complaints: 'oops\n' },
  );
});

test('it sees none of the environment but PATH and what it is given', async () => {
  process.env.A_SECRET = 'secret';
  const end = await runProgram('env', [], { ...options, env: { GIVEN: 'given' } });
  delete process.env.A_SECRET;
  const names = end?.output
    .toString()
    .trim()
    .split('\n')
    .map((line) => line.split('=')[0]);
  // A shell may set the last two by itself.
  assert.deepEqual(
    names?.filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name as string)).sort(),
    ['GIVEN', 'PATH'],
  );
});

test('one that the machine has not is told from one that fails', async () => {
  assert.equal(await runProgram('no-such-program', [], options), undefined);
  assert.equal(await runProgram('/nowhere/program', [], options), undefined);
  assert.equal((await runProgram('false', [], options))?.code, 1);
});

test('one that closes its input early is no error', async () => {
  const input = pieces(...Array.from({ length: 50 }, () => 'x'.repeat(65_536)));
  assert.equal((await runProgram('true', [], { ...options, input }))?.code, 0);
});

describe('it is killed, and all that it has started', () => {
  const start = 'sleep 1001 & sleep 1002 & echo $$; wait';

  test('when it takes too long', async () => {
    const running = runProgram('sh', ['-c', 'sleep 31001 & sleep 31002'], {
      ...options,
      timeoutSeconds: 0.3,
    });
    await assert.rejects(running, { name: 'ProgramTimeout', message: 'sh did not finish within 0.3 s' });
    assertNothingRuns('sleep 3100[12]');
  });

  test('when the signal is aborted, with its reason', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('no longer wanted')), 100);
    const running = runProgram('sh', ['-c', start], { ...options, signal: controller.signal });
    await assert.rejects(running, { message: 'no longer wanted' });
  });

  test('when it writes too much', async () => {
    const running = runProgram('yes', [], { ...options, maxOutputBytes: 100_000 });
    await assert.rejects(running, { name: 'ProgramOutputExceeded' });
  });

  test('when its input cannot be read to the end', async () => {
    async function* broken() {
      yield Buffer.from('half');
      throw new Error('the connection is gone');
    }
    await assert.rejects(runProgram('cat', [], { ...options, input: broken() }), {
      message: 'the connection is gone',
    });
  });

  test('also what it leaves running when it ends by itself', async () => {
    const end = await runProgram('sh', ['-c', 'sleep 32001 & echo done'], options);
    assert.equal(end?.output.toString(), 'done\n');
    assertNothingRuns('sleep 32001');
  });
});

async function* pieces(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

/** Zombies, which nobody reaps in a container without init, are dead. */
function assertNothingRuns(pattern: string): void {
  if (!existsSync('/bin/ps')) return;
  const lines = execFileSync('ps', ['-eo', 'stat,args'], { encoding: 'utf8' }).split('\n');
  const found = lines.filter((line) => new RegExp(`^[^Z]\\S*\\s+${pattern}$`).test(line));
  assert.deepEqual(found, []);
}
