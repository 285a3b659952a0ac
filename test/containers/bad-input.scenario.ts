import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, type HeddleError } from '../../src/client/index.ts';
import { waitFor } from '../support/wait-for.ts';
import { Deployment } from './support/deployment.ts';
import { docker, eventsOf, inspect, logOf } from './support/docker.ts';
import { IMAGES } from './support/images.ts';

/* What an operator gets wrong: one clear line, the right health, and no container that is started again and again. */

const deployment = new Deployment();
const started: string[] = [];

before(() => deployment.up('postgres'));
afterEach(async () => {
  for (const id of started.splice(0)) await docker(['rm', '--force', id]);
});
after(() => deployment.down());

it('migrations that are pending: the API says so, is unhealthy, and lives', async () => {
  const api = await start('api');
  await becomes(api, 'unhealthy');
  const [waiting, ...more] = await eventsOf(api, 'api_waiting');
  assert.match(String(waiting?.reason), /^migrations are pending; a runner applies them/);
  assert.deepEqual(more, []);
  assert.match(await healthOf(api), /"migrations":"pending"/);
  assert.equal((await inspect(api)).RestartCount, 0);
});

it('a database that is not there: both say so, are unhealthy, and live', async () => {
  for (const [role, event] of [
    ['api', 'api_waiting'],
    ['runner', 'migration_waiting'],
  ] as const) {
    const container = await start(role, { POSTGRES_HOST: 'nowhere.invalid' });
    await becomes(container, 'unhealthy');
    const told = await eventsOf(container, event);
    assert.equal(told.length, 1);
    assert.match(String(told[0]?.reason), /nowhere\.invalid/);
    assert.match(await healthOf(container), /"database":"away"/);
    assert.equal((await inspect(container)).RestartCount, 0);
  }
});

it('a wrong password: the API says so and is unhealthy; the runner ends with a line, and is started ever more slowly', async () => {
  const wrong = { POSTGRES_PASSWORD: 'very-secret' };
  const api = await start('api', wrong);
  const runner = await start('runner', wrong);
  await becomes(api, 'unhealthy');
  await waitFor('the reason', async () =>
    (await eventsOf(api, 'api_waiting')).some(({ reason }) =>
      /password authentication failed/.test(String(reason)),
    ),
  );
  await sleep(10_000); // How often it is started in a time is what this is about.
  const { RestartCount } = await inspect(runner);
  assert.ok(RestartCount > 0 && RestartCount <= 8, `it was started again ${RestartCount} times`);
  const lines = (await logOf(runner)).filter((line) => typeof line === 'string');
  assert.ok(lines.length <= RestartCount + 1, lines.join('\n'));
  for (const line of lines)
    assert.match(
      line,
      /^heddle: the database postgres:5432\/heddle cannot be reached as heddle: password authentication/,
    );
  for (const container of [api, runner])
    assert.doesNotMatch(JSON.stringify(await logOf(container)), /very-secret/);
});

it('an API that strangers could reach and that has no tokens does not start', async () => {
  const api = await start('api', { API_AUTH: 'tokens' }, 'no');
  await waitFor('its end', async () => (await inspect(api)).State.Status === 'exited', 20_000);
  assert.equal((await inspect(api)).State.ExitCode, 2);
  assert.match(
    String((await logOf(api)).join('\n')),
    /HOST: refusing to listen on 0\.0\.0\.0 without API_TOKENS/,
  );
});

it('the command line needs nothing but a database', async () => {
  await deployment.up('runner');
  const url = 'postgresql://heddle:heddle@postgres:5432/heddle';
  const network = `${deployment.project}_default`;
  for (const [command, expected] of [
    [['migrate', '--status', '--exit-code'], /applied/],
    [['doctor'], /migrations: all applied/],
  ] as const) {
    const args = [
      'run',
      '--rm',
      '--network',
      network,
      '--env',
      `DATABASE_URL=${url}`,
      IMAGES.HEDDLE_API_IMAGE,
    ];
    assert.match(await docker([...args, ...command]), expected);
  }
});

it('a runner that is started twice stands by, and is well', async () => {
  await deployment.up('--scale', 'runner=2', 'runner');
  const runners = await deployment.containers('runner');
  const standing = await waitFor(
    'one to stand by',
    async () => {
      const told = await Promise.all(runners.map(({ Id }) => eventsOf(Id, 'runner_standby')));
      return told.some((events) => events.length > 0) ? told : undefined;
    },
    20_000,
  );
  assert.equal(standing.flat().length, 1);
  for (const { Id, RestartCount } of runners) {
    assert.equal((await inspect(Id)).State.Health?.Status, 'healthy');
    assert.equal(RestartCount, 0);
  }
});

it('secrets come from files, and are nowhere else', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-secrets-'));
  await writeFile(join(folder, 'postgres_password'), 'from-a-file\n', { mode: 0o644 });
  await writeFile(join(folder, 'api_tokens'), 'shop:operator:a-long-random-token\n', { mode: 0o644 });
  const own = new Deployment({ SECRETS_FOLDER: folder }, ['deploy/compose.secrets.yaml']);
  try {
    await own.up();
    const [url = ''] = await own.urls();
    await assert.rejects(createClient({ url }).taskTypes(), (error: HeddleError) => error.status === 401);
    const types = await createClient({ url, token: 'a-long-random-token' }).taskTypes();
    assert.ok(types.length > 0);
    for (const service of ['api', 'runner', 'postgres']) {
      const { Id } = await own.container(service);
      const environment = await docker(['inspect', '--format', '{{json .Config.Env}}', Id]);
      assert.doesNotMatch(environment, /from-a-file|a-long-random-token/);
    }
  } finally {
    await own.down();
    await rm(folder, { recursive: true });
  }
});

/** A container beside those of the deployment, as Compose would start it, but soon known to be unhealthy. */
async function start(role: 'api' | 'runner', env: Record<string, string> = {}, restart = 'unless-stopped') {
  const settings = {
    POSTGRES_HOST: 'postgres',
    POSTGRES_PASSWORD: 'heddle',
    API_AUTH: 'none',
    ...env,
  };
  const id = await docker([
    ...['run', '--detach', '--read-only', '--tmpfs', '/tmp', '--network', `${deployment.project}_default`],
    ...['--restart', restart, '--health-start-period=2s', '--health-interval=1s', '--health-retries=2'],
    ...Object.entries(settings).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    role === 'api' ? IMAGES.HEDDLE_API_IMAGE : IMAGES.HEDDLE_RUNNER_IMAGE,
  ]);
  started.push(id);
  return id;
}

async function becomes(container: string, health: string): Promise<void> {
  await waitFor(
    `it to be ${health}`,
    async () => (await inspect(container)).State.Health?.Status === health,
    60_000,
  );
}

/** What the last check of its health was told. */
async function healthOf(container: string): Promise<string> {
  return (await inspect(container)).State.Health?.Log?.at(-1)?.Output ?? '';
}
