import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, mock } from 'node:test';
import { type Api, startApi } from '../../../src/main/api.ts';
import { periodicCommand } from '../../../src/main/commands/periodic.ts';
import { submitCommand } from '../../../src/main/commands/submit.ts';
import { tasksCommand } from '../../../src/main/commands/tasks.ts';
import { type Config, readConfig } from '../../../src/main/config.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { putInto } from '../../support/task-states.ts';
import { publishTaskTypes } from '../../support/task-types.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { waitFor } from '../../support/wait-for.ts';

let database: TestDatabase;
let api: Api;
let config: Config;
before(async () => {
  database = await createTestDatabase();
  await publishTaskTypes(database.pool());
  const env = { PORT: '0', API_TOKENS: 'vera:viewer:v,otto:operator:o', DATABASE_URL: database.url };
  api = await startApi(readConfig(env), {
    databaseUrl: database.url,
    observe: () => {},
    pendingMigrations: async () => [],
  });
  config = readConfig({ ...env, PORT: new URL(api.url).port });
});
after(async () => {
  await api?.stop();
  await database?.drop();
});

type Command = typeof submitCommand;

/** Runs a command, and catches what it prints. */
async function run(command: Command, argv: string[], settings = config) {
  const out = mock.method(console, 'log', () => {});
  const err = mock.method(console, 'error', () => {});
  try {
    const code = await command(argv, settings);
    const textOf = (printed: typeof out) =>
      printed.mock.calls.map((call) => call.arguments.join(' ')).join('\n');
    return { code, out: textOf(out), err: textOf(err) };
  } finally {
    out.mock.restore();
    err.mock.restore();
  }
}

/** Ends the task with this `n` in its params as soon as it is there. */
async function end(n: number, status: 'completed' | 'failed'): Promise<void> {
  const id = await waitFor('the task', async () => {
    const { rows } = await database
      .pool()
      .query(`select id from tasks where params ->> 'n' = $1`, [String(n)]);
    return rows[0]?.id as string | undefined;
  });
  await putInto(database.pool(), id, status);
}

describe('heddle submit', () => {
  it('submits over HTTP and prints the task', async () => {
    const { code, out, err } = await run(submitCommand, ['greet', '--params', '{"name":"Ada"}']);
    assert.deepEqual([code, err], [0, '']);
    const task = JSON.parse(out);
    assert.deepEqual([task.type, task.params, task.status], ['greet', { name: 'Ada' }, 'queued']);
    const { rows } = await database.pool().query('select submitted_by from tasks where id = $1', [task.id]);
    assert.deepEqual(rows, [{ submitted_by: 'api:otto' }]);
  });

  it('submits straight into the database, and prints the same', async () => {
    const straight = await run(submitCommand, ['greet', '--params={"name":"Ada"}', '--database']);
    const overHttp = await run(submitCommand, ['greet', '--params={"name":"Ada"}']);
    assert.equal(straight.code, 0);
    assert.deepEqual(Object.keys(JSON.parse(straight.out)), Object.keys(JSON.parse(overHttp.out)));
  });

  it('reads params from a file', async (t) => {
    const directory = await temporaryDirectory();
    t.after(() => rm(directory, { recursive: true }));
    const file = join(directory, 'params.json');
    await writeFile(file, '{"name":"from a file"}');
    const { out } = await run(submitCommand, ['greet', '--params', `@${file}`]);
    assert.deepEqual(JSON.parse(out).params, { name: 'from a file' });
    const missing = await run(submitCommand, ['greet', '--params', `@${file}.not`]);
    assert.equal(missing.code, 1);
    assert.match(missing.err, /ENOENT/);
  });

  let n = 0;
  for (const where of [[], ['--database']]) {
    it(`waits for the end, and fails with the task ${where.join()}`, async () => {
      for (const [status, expected] of [
        ['completed', 0],
        ['failed', 1],
      ] as const) {
        n++;
        const submitted = run(submitCommand, [
          'anything',
          '--params',
          `{"n":${n}}`,
          '--wait',
          '30',
          ...where,
        ]);
        await end(n, status);
        const { code, out } = await submitted;
        assert.deepEqual([code, JSON.parse(out).status], [expected, status]);
      }
    });

    it(`says so when the task has not ended by then ${where.join()}`, async () => {
      const { code, out, err } = await run(submitCommand, ['anything', '--wait', '0.1', ...where]);
      assert.deepEqual([code, JSON.parse(out).status], [0, 'queued']);
      assert.match(err, /still queued/);
    });

    it(`exits with 1 and says what is wrong with the task ${where.join()}`, async () => {
      const unknown = await run(submitCommand, ['nope', ...where]);
      assert.deepEqual([unknown.code, unknown.out], [1, '']);
      assert.match(
        unknown.err,
        /^heddle submit: .*There is no task type 'nope'\. Known are: anything, greet, once\./,
      );
      const invalid = await run(submitCommand, ['greet', '--params', '{"x":1,"y":2}', ...where]);
      assert.equal(invalid.code, 1);
      for (const pointer of ['/params/name: is required', '/params/x: is not', '/params/y: is not']) {
        assert.ok(invalid.err.includes(pointer), invalid.err);
      }
    });
  }

  it('exits with 1 when the API or the database is not there, or does not know the token', async () => {
    const away = await run(submitCommand, ['anything', '--url', 'http://127.0.0.1:2/']);
    assert.equal(away.code, 1);
    assert.match(
      away.err,
      /^heddle submit: cannot reach http:\/\/127\.0\.0\.1:2\/api\/v1\/tasks: connect ECONNREFUSED/,
    );
    const url = 'postgresql://nobody@127.0.0.1:1/none';
    const noDatabase = await run(
      submitCommand,
      ['anything', '--database'],
      readConfig({ DATABASE_URL: url }),
    );
    assert.equal(noDatabase.code, 1);
    assert.match(noDatabase.err, /ECONNREFUSED/);
    const unset = await run(submitCommand, ['anything', '--database'], readConfig({}));
    assert.equal(unset.code, 1);
    assert.match(unset.err, /DATABASE_URL/);
    const stranger = await run(submitCommand, ['anything', '--url', api.url]);
    assert.deepEqual([stranger.code, stranger.err], [1, 'heddle submit: A bearer token is needed.']);
    const viewer = await run(submitCommand, ['anything', '--token', 'v']);
    assert.match(viewer.err, /needs the role operator/);
  });

  it('exits with 2 when it is used wrongly', async () => {
    const wrong = [
      [],
      ['anything', 'more'],
      ['anything', '--nonsense'],
      ['anything', '--params', '{'],
      ['anything', '--params', '[]'],
      ['anything', '--wait', 'long'],
      ['anything', '--params'],
    ];
    for (const argv of wrong) {
      const { code, out, err } = await run(submitCommand, argv);
      assert.deepEqual([code, out], [2, ''], argv.join(' '));
      assert.match(err, /^heddle submit: .+ \(see heddle submit --help\)$/);
    }
  });

  it('explains itself', async () => {
    for (const flag of ['--help', '-h']) {
      const { code, out } = await run(submitCommand, [flag]);
      assert.equal(code, 0);
      assert.match(out, /--params JSON/);
    }
  });
});

describe('heddle tasks', () => {
  it("lists tasks with their ids' endings, which the API understands", async () => {
    await database.pool().query('delete from tasks');
    assert.equal((await run(tasksCommand, [])).out, 'no tasks');
    await run(submitCommand, ['greet', '--params', '{"name":"x"}']);
    const { out: submitted } = await run(submitCommand, ['anything']);
    const { id } = JSON.parse(submitted);
    await putInto(database.pool(), id, 'failed');
    const { code, out } = await run(tasksCommand, []);
    assert.equal(code, 0);
    const [head, first, second, ...rest] = out.split('\n');
    assert.match(head ?? '', /^ID +TYPE +STATUS +ATTEMPT +CREATED$/);
    assert.match(
      first ?? '',
      /^[0-9a-f]{12} +anything +failed +1 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ +no luck$/,
    );
    assert.match(second ?? '', /greet +queued +0/);
    assert.deepEqual(rest, []);
    assert.ok(id.endsWith(first?.split(' ')[0]));
  });

  it('filters, and prints the answer as JSON', async () => {
    const { out } = await run(tasksCommand, ['--status', 'failed', '--type', 'anything', '--json']);
    const { items, total } = JSON.parse(out);
    assert.deepEqual([items.length, items[0].status, total], [1, 'failed', 1]);
    assert.match((await run(tasksCommand, ['--limit', '1'])).out, /\n1 of 2$/);
  });

  it('prints nothing that would move the cursor', async () => {
    await database.pool().query(`update tasks set error = E'\\x1b[2Jline\\nnext' where status = 'failed'`);
    const { out } = await run(tasksCommand, ['--status', 'failed']);
    assert.match(out, / {2}\[2Jline next$/);
  });

  it('exits with 2 for a state that there is not, and for an option', async () => {
    const unknown = await run(tasksCommand, ['--status', 'done']);
    assert.equal(unknown.code, 2);
    assert.match(unknown.err, /must be one of created, queued.* \(see heddle tasks --help\)$/);
    assert.equal((await run(tasksCommand, ['--limit', 'few'])).code, 2);
    assert.equal((await run(tasksCommand, ['--what'])).code, 2);
    assert.match((await run(tasksCommand, ['--help'])).out, /--status/);
  });
});

describe('heddle periodic', () => {
  it('lists what runs by itself, and when', async () => {
    const { code, out } = await run(periodicCommand, []);
    assert.equal(code, 0);
    const [head, tick, ...rest] = out.split('\n');
    assert.match(head ?? '', /^NAME +SCHEDULE +NEXT RUN +LAST RUN +ENDED +RUNS +FAILURES$/);
    assert.match(tick ?? '', /^tick +every 30 seconds +- +- +- +0 +0$/);
    assert.deepEqual(rest, []);
    const { items } = JSON.parse((await run(periodicCommand, ['--json'])).out);
    assert.deepEqual([items[0].name, items[0].schedule], ['tick', 'every 30 seconds']);
  });

  it('runs, pauses and resumes one by its name', async () => {
    assert.equal((await run(periodicCommand, ['run', 'tick'])).code, 0);
    const { rows } = await database.pool().query(`select submitted_by from tasks where type = 'tick'`);
    assert.deepEqual(rows, [{ submitted_by: 'api:otto' }]);
    const paused = await run(periodicCommand, ['pause', 'tick']);
    assert.equal(paused.code, 0);
    assert.match(paused.out, /\ntick +every 30 seconds +paused /);
    const resumed = await run(periodicCommand, ['resume', 'tick', '--json']);
    assert.deepEqual([resumed.code, JSON.parse(resumed.out).paused], [0, false]);
  });

  it('exits with 1 for a name that there is not, or a role that may not', async () => {
    const unknown = await run(periodicCommand, ['pause', 'tock']);
    assert.deepEqual(
      [unknown.code, unknown.out, unknown.err],
      [1, '', "heddle periodic: There is no periodic task 'tock'."],
    );
    const viewer = await run(periodicCommand, ['run', 'tick', '--token', 'v']);
    assert.equal(viewer.code, 1);
    assert.match(viewer.err, /needs the role operator/);
    assert.equal((await run(periodicCommand, ['--token', 'v'])).code, 0);
  });

  it('exits with 2 when it is used wrongly, and explains itself', async () => {
    for (const argv of [
      ['stop', 'tick'],
      ['constructor', 'tick'],
      ['run'],
      ['run', 'tick', 'tock'],
      ['--what'],
    ]) {
      const { code, out, err } = await run(periodicCommand, argv);
      assert.deepEqual([code, out], [2, ''], argv.join(' '));
      assert.match(err, /^heddle periodic: .+ \(see heddle periodic --help\)$/);
    }
    assert.match((await run(periodicCommand, ['--help'])).out, /heddle periodic pause NAME/);
  });
});
