import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type Discovery, discover } from '../../src/main/engine/discover.ts';
import { publishTaskTypes } from '../../src/main/engine/publish.ts';
import { createTestDatabase } from '../support/database.ts';
import { threadOptionsFor } from '../support/engine.ts';
import { databaseTask, periodicTask, taskFolder } from '../support/task-folder.ts';

describe('a task file', { concurrency: false }, () => {
  it('that does not load, or is no task, is left out with the reason; the others are there', async (t) => {
    const { names, reasons } = await look(t, {
      'good.js': databaseTask(),
      'last.js': databaseTask(),
      'throws.js': `throw new Error('at import');`,
      'throws-text.js': `throw 'just text';`,
      'throws-nothing.js': 'throw undefined;',
      'throws-function.js': 'throw () => 1;',
      'exits.js': 'process.exit(4);',
      'fills-heap.js': 'const all = []; for (;;) all.push(all.length + 0.5);',
      'fills-memory.js': 'const all = []; for (;;) all.push(Buffer.alloc(2 ** 20, 1));',
      'no-syntax.js': 'this is not JavaScript',
      'lacks-import.js': `import 'no-such-package';`,
      'no-task.js': 'export default { run() {} };',
      'no-default.js': 'export const run = 1;',
      'no-payload.js': `import { defineDatabaseTask } from 'heddle/define';
        export default defineDatabaseTask({ run() {} });`,
      'no-run.js': databaseTask('run: undefined'),
      '_helper.js': `throw new Error('a helper is not loaded');`,
      'folder/inner.js': `throw new Error('a sub-folder is not searched');`,
      'notes.md': 'not a task',
    });
    assert.deepEqual(names, ['good', 'last']);
    assertReasons(reasons, {
      'throws.js': /^at import$/,
      'throws-text.js': /^just text$/,
      'throws-nothing.js': /^undefined$/,
      'throws-function.js': /Function/,
      'exits.js': /^exited with code 4$/,
      'fills-heap.js': /^ran out of memory \(heap limit 64 MB\)$/,
      'fills-memory.js': /^ran out of memory \(the runner's memory grew to/,
      'no-syntax.js': /Unexpected|Invalid|not JavaScript/,
      'lacks-import.js': /'no-such-package' imported from .*lacks-import\.js/,
      'no-task.js': /^its default export is not a task/,
      'no-default.js': /^its default export is not a task/,
      'no-payload.js': /^payload is missing/,
      'no-run.js': /^run is missing/,
    });
  });

  it('that does not load in time is left out, too', async (t) => {
    const { names, reasons } = await look(
      t,
      {
        'throws-later.js': `setTimeout(() => { throw new Error('soon') }); await new Promise(() => {});`,
        'spins.js': 'for (;;);',
        'never-loads.js': 'await new Promise(() => {});',
      },
      1500,
    );
    assert.deepEqual(names, []);
    assertReasons(reasons, {
      'throws-later.js': /^(uncaught: soon|it did not load within 1.5 s)/,
      'spins.js': /^it did not load within 1.5 s$/,
      'never-loads.js': /^it did not load within 1.5 s$/,
    });
  });

  it('with a limit that is no limit is left out with the reason', async (t) => {
    const { names, reasons } = await look(t, {
      'a.js': databaseTask('timeoutSeconds: 0'),
      'b.js': databaseTask(`timeoutSeconds: '5'`),
      'c.js': databaseTask('maxRetries: -1'),
      'd.js': databaseTask('maxRetries: 1.5'),
      'e.js': databaseTask('maxRetries: 1e12'),
      'f.js': databaseTask('batchSize: 0'),
      'g.js': databaseTask('pollIntervalSeconds: Infinity'),
      'h.js': databaseTask(`retry: { strategy: 'hope' }`),
      'i.js': databaseTask(`retry: { strategy: 'exponential', factor: NaN }`),
      'j.js': databaseTask(`deduplicate: 'always'`),
      'k.js': databaseTask('retentionDays: -1'),
      'l.js': periodicTask(`every: '1 hour', retentionDays: { failed: 'long' }`),
    });
    assert.deepEqual(names, []);
    assertReasons(reasons, {
      'a.js': /^timeoutSeconds must be a number above 0, not 0$/,
      'b.js': /^timeoutSeconds must be a number above 0/,
      'c.js': /^maxRetries must be a whole number from 0/,
      'd.js': /^maxRetries must be a whole number/,
      'e.js': /^maxRetries must be a whole number .* not 1000000000000$/,
      'f.js': /^batchSize must be a whole number from 1/,
      'g.js': /^pollIntervalSeconds must be a number above 0, not Infinity$/,
      'h.js': /^retry.strategy must be one of cooldown, exponential/,
      'i.js': /^retry.factor must be a number above 0, not NaN$/,
      'j.js': /^deduplicate must be/,
      'k.js': /^retentionDays.completed must be a number of days from 0, which keeps for ever, not -1$/,
      'l.js': /^retentionDays.failed must be a number of days/,
    });
  });

  it('with an absurd schedule is left out with the reason', async (t) => {
    const { names, reasons } = await look(t, {
      'good-cron.js': periodicTask(`cron: '0 3 * * *', timezone: 'Africa/Johannesburg'`),
      'good-every.js': periodicTask(`every: '30 seconds'`),
      'a.js': periodicTask(''),
      'b.js': periodicTask(`every: '1 hour', cron: '0 3 * * *'`),
      'c.js': periodicTask(`cron: '99 99 * * *'`),
      'd.js': periodicTask(`cron: '0 3 * * * * *'`),
      'e.js': periodicTask(`cron: '0 0 31 2 *'`),
      'f.js': periodicTask(`cron: '0 3 * * *', timezone: 'Mars/Olympus'`),
      'g.js': periodicTask(`cron: '${'0,'.repeat(200)}0 3 * * *'`),
      'h.js': periodicTask(`every: 'now and then'`),
      'i.js': periodicTask(`every: '1 hour', missed: 'maybe'`),
      'j.js': periodicTask(`every: '1 hour', overlap: 'maybe'`),
      'k.js': periodicTask(`cron: '* * 31 2 *'`),
      'l.js': periodicTask(`cron: '0,'.repeat(5000) + '0 3 * * *'`),
      'm.js': periodicTask(`cron: '0 3 * * *', timezone: ''`),
      'n.js': periodicTask(`cron: '0 3 * * *', timezone: 7`),
      'o.js': periodicTask(`every: '1 hour', timezone: 'Mars/Olympus'`),
      'p.js': periodicTask(`cron: ['0 3 * * *', '0 4 * * *']`),
      'q.js': periodicTask(`cron: ''`),
      'r.js': periodicTask(`every: '1 hour', runOnStart: 'no'`),
      's.js': periodicTask(`every: '400 days'`),
    });
    assert.deepEqual(names, ['good-cron', 'good-every']);
    assertReasons(reasons, {
      'a.js': /^a periodic task needs either every or cron$/,
      'b.js': /^a periodic task needs either every or cron$/,
      'c.js': /^cron '99 99 \* \* \*' is not valid: /,
      'd.js': /has 7 fields, not 5 or 6$/,
      'e.js': /^cron '0 0 31 2 \*' never fires$/,
      'f.js': /^timezone 'Mars\/Olympus' does not exist: it must be an IANA name/,
      'g.js': /200 is the most$/,
      'h.js': /^every must be a number of/,
      'i.js': /^missed must be one of skip, once, all/,
      'j.js': /^overlap must be one of skip, queue/,
      'k.js': /^cron '\* \* 31 2 \*' never fires$/,
      'l.js': /^cron has 10009 characters, 200 is the most$/,
      'm.js': /^timezone '' does not exist/,
      'n.js': /^timezone '7' does not exist/,
      'o.js': /^timezone 'Mars\/Olympus' does not exist/,
      'p.js': /^cron must be a text such as '0 3 \* \* \*', not 0 3/,
      'q.js': /^cron '' has 0 fields, not 5 or 6$/,
      'r.js': /^runOnStart must be true or false, not no$/,
      's.js': /^every must be from a second to a year, not '400 days'$/,
    });
  });

  it('is described with all that it says, and with the defaults', async (t) => {
    const { types } = await look(t, {
      'all.js': databaseTask(`description: 'd', emoji: 'e', timeoutSeconds: 1.5, maxRetries: 0, batchSize: 7,
        pollIntervalSeconds: 2, deduplicate: () => 'x', retry: { strategy: 'exponential' },
        retentionDays: { failed: 90 }, payload: z.object({ key: z.string().meta({ secret: true }) })`),
      'least.js': databaseTask(),
    });
    const [all, least] = types.map(({ file: _, payloadSchema: __, ...rest }) => rest);
    assert.deepEqual(all, {
      name: 'all',
      kind: 'database',
      description: 'd',
      emoji: 'e',
      timeoutSeconds: 1.5,
      retentionDays: { completed: null, failed: 90 },
      hasSecrets: true,
      maxRetries: 0,
      batchSize: 7,
      pollIntervalSeconds: 2,
      deduplicate: 'function',
      limits: null,
      retry: { strategy: 'exponential', seconds: 2, factor: 2, maxSeconds: 3600, jitter: true },
      schedule: null,
      warnings: [],
    });
    assert.deepEqual(least, {
      name: 'least',
      kind: 'database',
      description: null,
      emoji: null,
      timeoutSeconds: 300,
      retentionDays: { completed: null, failed: null },
      hasSecrets: false,
      maxRetries: 3,
      batchSize: null,
      pollIntervalSeconds: 5,
      deduplicate: 'none',
      limits: null,
      retry: { strategy: 'cooldown', seconds: 600 },
      schedule: null,
      warnings: [],
    });
  });

  it('whose payload JSON Schema cannot express is published open, with a warning', async (t) => {
    const { types } = await look(t, {
      'date.js': databaseTask('payload: z.object({ at: z.date() })'),
      'no-unicode-pattern.js': databaseTask('payload: z.object({ at: z.string().regex(/^\\@\\w+/) })'),
      'refined.js': databaseTask('payload: z.object({ a: z.number() }).refine(() => true)'),
    });
    const [date, pattern, refined] = types;
    for (const type of [date, pattern]) {
      assert.deepEqual(type?.payloadSchema, {});
      assert.match(type?.warnings[0] ?? '', /^its payload cannot be expressed as JSON Schema/);
    }
    assert.deepEqual(refined?.warnings, []);
    assert.ok('properties' in (refined?.payloadSchema ?? {}));
  });

  it('that marks params as secret is left out when nobody else could know which', async (t) => {
    const { names, reasons } = await look(t, {
      'open.js': databaseTask('payload: z.object({ at: z.date() })'),
      'secret.js': databaseTask(
        'payload: z.object({ at: z.date(), key: z.string().meta({ secret: true }) })',
      ),
    });
    assert.deepEqual(names, ['open']);
    assertReasons(reasons, { 'secret.js': /and so its secrets could not be hidden: / });
  });

  it('cannot keep the others from being published', async (t) => {
    const { types } = await look(t, {
      'unstorable.js': databaseTask(
        `description: 'a\\0b', emoji: '\\ud800', payload: z.object({ a: z.literal('\\0') })`,
      ),
      'other.js': databaseTask(),
    });
    const database = await createTestDatabase();
    t.after(() => database.drop());
    await publishTaskTypes(database.pool(), types);
    const { rows } = await database.pool().query('select name, description from task_types order by name');
    assert.deepEqual(rows, [
      { name: 'other', description: null },
      { name: 'unstorable', description: 'a\uFFFDb' },
    ]);
  });

  it('of an earlier folder hides one of the same name, also when it is left out itself: it is what threads load', async (t) => {
    const first = await taskFolder(t, { 'a.js': databaseTask(`description: 'first'`), 'b.js': 'nonsense' });
    const second = await taskFolder(t, {
      'a.js': databaseTask(`description: 'second'`),
      'b.js': databaseTask(),
    });
    const { types, rejected } = await discoverIn([first, second]);
    assert.deepEqual(
      types.map(({ name, description }) => [name, description]),
      [['a', 'first']],
    );
    assert.deepEqual(
      rejected.map(({ file }) => file),
      [`${first}/b.js`, `${second}/a.js`, `${second}/b.js`],
    );
    assert.match(rejected[1]?.reason ?? '', /^the task type 'a' is defined by .*a\.js already$/);
  });
});

async function look(t: TestContext, files: Record<string, string>, loadTimeoutMs?: number) {
  const { types, rejected } = await discoverIn([await taskFolder(t, files)], loadTimeoutMs);
  const reasons = Object.fromEntries(rejected.map(({ file, reason }) => [basename(file), reason]));
  return { types, names: types.map(({ name }) => name), reasons };
}

/** The folders are foreign ones, after an own one that is empty. */
function discoverIn(folders: string[], loadTimeoutMs?: number): Promise<Discovery> {
  const options = threadOptionsFor('', { taskFolders: folders });
  return discover({ ...options, taskFolders: [EMPTY, ...folders] }, loadTimeoutMs);
}

/** Holds no task: the support of the tests. */
const EMPTY = new URL('../fixtures', import.meta.url).pathname;

function assertReasons(reasons: Record<string, string>, expected: Record<string, RegExp>): void {
  assert.deepEqual(Object.keys(reasons).sort(), Object.keys(expected).sort());
  for (const [file, pattern] of Object.entries(expected)) assert.match(reasons[file] ?? '', pattern, file);
}
