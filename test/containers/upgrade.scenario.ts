import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { waitFor } from '../support/wait-for.ts';
import { Deployment, TASKS_FOLDER } from './support/deployment.ts';
import { docker, inspect } from './support/docker.ts';
import { buildPreviousImages, IMAGES, PREVIOUS_IMAGES } from './support/images.ts';
import { tell } from './support/table.ts';

/* From the images of an earlier commit to those of now, with tasks in flight, and back. */

const FROM = process.env.HEDDLE_UPGRADE_FROM ?? 'HEAD^';
const deployment = new Deployment({ TASKS_FOLDER, ...PREVIOUS_IMAGES }, ['deploy/compose.tasks.yaml']);

before(async () => {
  await buildPreviousImages(FROM);
  await deployment.up();
});
after(() => deployment.down());

it('an upgrade with tasks in flight loses none, and uses up no attempt', async () => {
  const { running, queued } = await inFlight();
  const startedAt = performance.now();
  deployment.set(IMAGES);
  await deployment.up();
  tell(
    `upgrade from ${FROM} with tasks in flight`,
    `${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
  );
  await imagesAre(IMAGES);
  await allComplete(running, queued);
  assert.equal(await deployment.sql("select count(*) from ai_migrations where status <> 'applied'"), '0');
});

it('the earlier code runs on the newer schema, so that there is a way back', async () => {
  const { running, queued } = await inFlight();
  deployment.set(PREVIOUS_IMAGES);
  await deployment.up();
  await imagesAre(PREVIOUS_IMAGES);
  await allComplete(running, queued);
});

it('a new runner that comes up before the old one has stopped stands by, and takes over', async () => {
  const [old] = await deployment.containers('runner');
  deployment.set(IMAGES);
  // The old one is left as it is.
  await deployment.up('--scale', 'runner=2', '--no-recreate', 'runner');
  const { running, queued } = await inFlight();
  await docker(['stop', '--time', '40', String(old?.Id)]);
  assert.equal((await inspect(String(old?.Id))).State.ExitCode, 0);
  const stoppedAt = performance.now();
  await allComplete(running, queued);
  const client = await deployment.client();
  const leaders = (await client.runners()).filter(({ status }) => status === 'active');
  assert.equal(leaders.length, 1);
  tell(
    'after the stop of the leader, until the standby has done all',
    `${((performance.now() - stoppedAt) / 1000).toFixed(1)} s`,
  );
});

/** A few that run, one of which runs longer than a stop waits, and many that wait for a thread. */
async function inFlight(): Promise<{ running: string[]; queued: string[] }> {
  const client = await deployment.client();
  const running = await client.submitBatch([5000, 20_000].map((ms) => ({ type: 'outlast', params: { ms } })));
  for (const { id } of running)
    await waitFor('it to begin', async () => (await client.get(id)).progress, 20_000);
  const queued = await client.submitBatch(
    Array.from({ length: 100 }, () => ({ type: 'outlast', params: { ms: 20 } })),
  );
  return { running: running.map(({ id }) => id), queued: queued.map(({ id }) => id) };
}

async function allComplete(running: readonly string[], queued: readonly string[]): Promise<void> {
  const client = await deployment.client();
  for (const id of [...running, ...queued]) {
    const { status, attempt } = await client.wait(id, { timeoutSeconds: 90 });
    assert.deepEqual([status, attempt], ['completed', 1], id);
  }
}

async function imagesAre(images: Record<string, string>): Promise<void> {
  for (const [service, image] of [
    ['api', images.HEDDLE_API_IMAGE],
    ['runner', images.HEDDLE_RUNNER_IMAGE],
  ] as const) {
    const { Id } = await deployment.container(service);
    assert.equal(await docker(['inspect', '--format', '{{.Config.Image}}', Id]), image);
  }
}
