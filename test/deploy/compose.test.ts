import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readConfig } from '../../src/main/config.ts';
import { memoryLimitMb } from '../../src/main/engine/memory-limit.ts';
import { defaultSizes } from '../../src/main/sizes.ts';
import { COMPOSE_FILES, faultsBy, read, readCompose } from '../support/deploy.ts';

const faultsOf = faultsBy(JSON.parse(read('test/schemas/compose-spec.json')));

describe('the compose files', () => {
  for (const file of COMPOSE_FILES) {
    it(`are as the specification has it: ${file}`, () => assert.deepEqual(faultsOf(readCompose(file)), []));
  }

  it('would be refused with a slip of the pen', () => {
    const file = readCompose('compose.yaml');
    file.services.api.stop_grace_perod = '30s';
    file.services.runner.deploy.replicas = [];
    file.services.postgres.healthcheck.interval = 10;
    assert.equal(faultsOf(file).length, 3);
  });
});

describe('compose.yaml', () => {
  const { services, volumes } = readCompose('compose.yaml');

  it('lets the database be there before the runner migrates, and the runner before the API', () => {
    assert.equal(services.runner.depends_on.postgres.condition, 'service_healthy');
    assert.equal(services.api.depends_on.runner.condition, 'service_healthy');
  });

  it('has one runner, and as many APIs as there are ports', () => {
    assert.equal(services.runner.deploy.replicas, 1);
    assert.deepEqual(services.api.ports, ['127.0.0.1:8000-8009:8000']);
    for (const { container_name } of [services.api, services.runner]) assert.equal(container_name, undefined);
  });

  it('kills nobody who stops as it should', () => {
    const { runner, http } = readConfig({ DRAIN_SECONDS: String(services.api.environment.DRAIN_SECONDS) });
    assert.ok(seconds(services.runner.stop_grace_period) >= runner.stopGraceSeconds + 10);
    assert.ok(seconds(services.api.stop_grace_period) >= http.drainSeconds + 10 + 5);
  });

  it('gives the runner the memory that its threads may take, and room for the document tools', () => {
    const memoryMb = megabytes(services.runner.mem_limit);
    const { threads, threadMaxHeapMb } = defaultSizes(2, memoryMb);
    assert.deepEqual([threads, threadMaxHeapMb], [2, 512]);
    const roomMb = memoryMb - memoryLimitMb(threads, threadMaxHeapMb, memoryMb);
    assert.ok(roomMb >= 2 * SOFFICE_MB, `${roomMb} MB are left for two conversions`);
  });

  it('keeps what has to last in a volume, and lets Heddle itself write nowhere but in memory', () => {
    assert.deepEqual(Object.keys(volumes), ['postgres-data']);
    assert.deepEqual(services.postgres.volumes, ['postgres-data:/var/lib/postgresql/data']);
    for (const { read_only, volumes: own, cap_drop } of [services.api, services.runner])
      assert.deepEqual([read_only, own, cap_drop], [true, undefined, ['ALL']]);
  });

  it('starts whatever has ended again', () => {
    for (const { restart } of Object.values<{ restart: string }>(services))
      assert.equal(restart, 'unless-stopped');
  });

  it('takes images and secrets from the environment', () => {
    const env = { POSTGRES_IMAGE: 'pgvector/pgvector:pg17', POSTGRES_PASSWORD: 'of-the-environment' };
    const own = readCompose('compose.yaml', env).services;
    assert.equal(own.postgres.image, 'pgvector/pgvector:pg17');
    for (const name of ['postgres', 'runner', 'api'])
      assert.equal(own[name].environment.POSTGRES_PASSWORD, 'of-the-environment');
  });
});

/** What one conversion takes beside the runner's process. */
const SOFFICE_MB = 250;

function seconds(duration: string): number {
  const [, value, unit] = /^(\d+)([sm])$/.exec(duration) as unknown as [string, string, 's' | 'm'];
  return Number(value) * { s: 1, m: 60 }[unit];
}

function megabytes(size: string): number {
  const [, value, unit] = /^(\d+)([mg])$/.exec(size) as unknown as [string, string, 'm' | 'g'];
  return Number(value) * { m: 1, g: 1024 }[unit];
}
