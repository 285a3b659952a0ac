import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { packageRoot } from '../../src/main/package-root.ts';
import { MONITORING, queriesOf, readAlerts, readDashboard } from '../support/monitoring-files.ts';
import { ObservedHeddle } from '../support/observed-heddle.ts';
import { type Prometheus, prometheusPrograms, promtool, startPrometheus } from '../support/prometheus.ts';
import { waitFor } from '../support/wait-for.ts';

const skip = prometheusPrograms === undefined && 'Prometheus is not installed (Debian: prometheus)';

describe('promtool', { skip }, () => {
  it('takes the configuration and the alerts', () => {
    promtool('check', 'config', `${MONITORING}prometheus.yml`);
    assert.match(promtool('check', 'rules', `${MONITORING}alerts.yml`), /SUCCESS: \d+ rules found/);
  });

  it('sees each alert fire where it should, and nowhere else', () => {
    promtool('test', 'rules', `${packageRoot}test/monitoring/alerts-fire.yml`);
  });
});

describe('a Prometheus that asks a real API and a real runner', { skip }, () => {
  let heddle: ObservedHeddle;
  let prometheus: Prometheus;
  before(async () => {
    heddle = await ObservedHeddle.start();
    prometheus = await startPrometheus({ 'heddle-api': heddle.api, 'heddle-runner': heddle.runner });
  });
  after(async () => {
    await prometheus?.stop();
    await heddle?.stop();
  });

  it('finds something for every panel of the dashboard', async () => {
    const queries = readDashboard().panels.flatMap(queriesOf);
    assert.ok(queries.length > 40);
    const empty = new Set(queries);
    await waitFor(
      'an answer to every query',
      async () => {
        // A rate needs two figures, and something that happens between them.
        const succeeds = await heddle.submit('no-op');
        const fails = await heddle.submit('fail-after', { ms: 0 });
        await heddle.post('/periodic-tasks/tick/run');
        await heddle.finished(succeeds, fails);
        for (const query of empty) if (await isAnswered(query)) empty.delete(query);
        return empty.size === 0;
      },
      60_000,
    ).catch((error) => assert.deepEqual([...empty], [], (error as Error).message));
  });

  it('evaluates every alert, and none of them fires', async () => {
    const rules = await waitFor('every rule to be evaluated', async () => {
      const loaded = await prometheus.rules();
      return loaded.every(({ health }) => health !== 'unknown') ? loaded : null;
    });
    assert.deepEqual(
      rules.filter(({ health }) => health !== 'ok'),
      [],
    );
    assert.equal(rules.length, readAlerts().length);
    const critical = await prometheus.query('ALERTS{alertstate="firing", severity="critical"}');
    assert.deepEqual(critical, []);
  });

  async function isAnswered(query: string): Promise<boolean> {
    const values = (await prometheus.query(query)).map(({ value: [, value] }) => value);
    return values.some((value) => value !== 'NaN');
  }
});
