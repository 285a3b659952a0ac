import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createTestDatabase } from '../../support/database.ts';
import { embeddings } from '../../support/embeddings-endpoint.ts';
import { Heddle } from '../../support/heddle.ts';
import { json, startScriptedServer } from '../../support/scripted-server.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

let directory: string;
before(async () => {
  directory = await temporaryDirectory();
});
after(() => rm(directory, { recursive: true, force: true }));

test('heddle check lists the task types, and is content with them', async () => {
  const { code, stdout, stderr } = await run(['check']);
  assert.equal(code, 0);
  assert.match(stdout, /^ok {7}example-periodic-task \(periodic, every 30 seconds\)$/m);
  assert.equal(stderr, '');
});

test('heddle check tells each fault by file and reason, and loads the others', async () => {
  await writeFile(join(directory, 'broken.js'), "throw new Error('it does not load');");
  await writeFile(join(directory, 'empty.js'), 'export default 1;');
  const { code, stdout, stderr } = await run(['check'], { TASKS_DIR: directory });
  assert.equal(code, 1);
  assert.match(stderr, /^fault {4}\S+broken\.js: it does not load$/m);
  assert.match(stderr, /^fault {4}\S+empty\.js: its default export is not a task/m);
  assert.match(stdout, /^ok {7}example-database-task \(database\)$/m);
});

test('heddle check refuses a schedule that never fires, is absurd, or is of no time zone there is', async () => {
  const folder = join(directory, 'schedules');
  await mkdir(folder);
  const schedules = {
    never: "cron: '* * 31 2 *'",
    long: "cron: '0,'.repeat(5000) + '0 3 * * *'",
    zone: "cron: '0 3 * * *', timezone: 'Mars/Base'",
  };
  for (const [name, schedule] of Object.entries(schedules)) {
    const file = `import { definePeriodicTask } from 'heddle/define';
      export default definePeriodicTask({ ${schedule}, run() {} });`;
    await writeFile(join(folder, `${name}.js`), file);
  }
  const { code, stderr } = await run(['check'], { TASKS_DIR: folder });
  assert.equal(code, 1);
  assert.match(stderr, /^fault {4}\S+never\.js: cron '\* \* 31 2 \*' never fires$/m);
  assert.match(stderr, /^fault {4}\S+long\.js: cron has 10009 characters, 200 is the most$/m);
  assert.match(stderr, /^fault {4}\S+zone\.js: timezone 'Mars\/Base' does not exist/m);
});

test('heddle doctor says a line for each thing, and what to do about it', async () => {
  const database = await createTestDatabase();
  const { code, stdout } = await run(['doctor'], { DATABASE_URL: database.url });
  await database.drop();
  assert.equal(code, 1);
  assert.match(stdout, /^ok {7}database: PostgreSQL /m);
  assert.match(stdout, /^ok {7}migrations: all applied$/m);
  assert.match(stdout, /^ok {7}notifications: they arrive$/m);
  assert.match(stdout, /^FAULT {4}runner: none is alive; start one with/m);
  assert.match(stdout, /^ok {7}clock: /m);
  assert.match(stdout, /pdftotext: /);
});

test('heddle doctor asks whoever is to make embeddings for one', async () => {
  const server = await startScriptedServer(json(401, { error: { message: 'no such key' } }), embeddings());
  const endpoint = { EMBEDDINGS_URL: server.url, EMBEDDINGS_MODEL: 'a-model', EMBEDDINGS_API_KEY: 'geheim' };
  const refused = await run(['doctor'], endpoint);
  const answered = await run(['doctor'], endpoint);
  await server.stop();
  assert.match(refused.stdout, /^warning {2}embeddings: none from a-model: .* status 401: no such key$/m);
  assert.match(answered.stdout, /^ok {7}embeddings: a-model answers, with 8 numbers$/m);
  assert.doesNotMatch(refused.stdout, /geheim/);
});

test('heddle doctor names a database that cannot be reached, without its password', async () => {
  const { code, stdout } = await run(['doctor'], { DATABASE_URL: 'postgresql://u:geheim@127.0.0.1:9/none' });
  assert.equal(code, 1);
  assert.match(stdout, /^FAULT {4}database: .*ECONNREFUSED/m);
  assert.doesNotMatch(stdout, /geheim/);
});

test('a command that does not exist, or is misused, is exit 2 and a line that says so', async () => {
  for (const [argv, said] of [
    [['frobnicate'], /^heddle: there is no command 'frobnicate'; heddle --help lists them$/m],
    [['check', '--fast'], /^heddle: Unknown option '--fast'/m],
    [['runner'], /DATABASE_URL: heddle runner needs a database/],
  ] as const) {
    const { code, stderr } = await run([...argv]);
    assert.equal(code, 2);
    assert.match(stderr, said);
  }
});

test('heddle --help lists the commands, and each explains itself', async () => {
  const { code, stdout } = await run(['--help']);
  assert.equal(code, 0);
  for (const name of [
    'start',
    'api',
    'runner',
    'migrate',
    'submit',
    'tasks',
    'periodic',
    'check',
    'doctor',
  ]) {
    assert.match(stdout, new RegExp(`^  ${name} +\\S`, 'm'));
    const explained = await run([name, '--help'], { PORT: 'none that there is' });
    assert.equal(explained.code, 0);
    assert.match(explained.stdout, new RegExp(`heddle ${name}`));
  }
});

async function run(argv: string[], env: Record<string, string> = {}) {
  const heddle = new Heddle(argv, env, directory);
  const code = await heddle.ended;
  return { code, stdout: heddle.stdout, stderr: heddle.stderr };
}
