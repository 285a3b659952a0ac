import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Phase } from '../../../../src/main/http/parts.ts';
import { version } from '../../../../src/main/package-root.ts';
import { startTestApi, type TestApi } from '../../../support/test-api.ts';

describe('GET /health', () => {
  let api: TestApi;
  let pending: string[] = [];
  let phase: Phase = 'running';
  before(async () => {
    api = await startTestApi({ pendingMigrations: async () => pending, phase: () => phase });
  });
  after(() => api?.stop());

  for (const path of ['/health', '/readyz']) {
    it(`tells at ${path} what is there`, async () => {
      await api.database.query('delete from runners');
      const degraded = await api.call('GET', path);
      assert.deepEqual(
        [degraded.status, degraded.json],
        [
          200,
          { status: 'degraded', version, database: 'ok', migrations: 'ok', runner: 'none', vectors: 'none' },
        ],
      );
      await api.database.query(
        `insert into runners (id, host, pid, version, mode, role, status, lease_seconds)
         values ($1, 'here', 42, '1', 'singleton', 'leader', 'active', 8)`,
        [randomUUID()],
      );
      const ok = await api.call('GET', path);
      assert.deepEqual(
        [ok.status, ok.json],
        [200, { status: 'ok', version, database: 'ok', migrations: 'ok', runner: 'ok', vectors: 'none' }],
      );
    });
  }

  it('is 503 while migrations are pending', async () => {
    pending = ['20260101000000_tasks'];
    const { status, json } = await api.call('GET', '/health');
    assert.deepEqual([status, json.status, json.migrations], [503, 'unavailable', 'pending']);
    pending = [];
  });

  for (const now of ['starting', 'draining'] as const) {
    it(`is 503 while the process is ${now}, and tells what is there all the same`, async () => {
      phase = now;
      const { status, json } = await api.call('GET', '/health');
      assert.deepEqual([status, json.status, json.database, json.migrations], [503, now, 'ok', 'ok']);
      assert.equal((await api.call('GET', '/health/live')).status, 200);
      phase = 'running';
    });
  }

  it('is 200 at /health/live whatever else is away', async () => {
    const { status, json } = await api.call('GET', '/health/live');
    assert.deepEqual([status, json], [200, { status: 'ok', version }]);
  });
});
