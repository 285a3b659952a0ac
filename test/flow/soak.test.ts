import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULT_KINDS } from '../soak/schedule.ts';
import { soak } from '../soak/soak.ts';

test('under every kind of fault no task is lost, run twice unnoticed, or stuck', async (t) => {
  const { violations, report, folder } = await soak({
    minutes: 0.35,
    seed: 20261122,
    runners: 2,
    mode: 'singleton',
    leaseSeconds: 2,
    kinds: FAULT_KINDS,
    say: (line) => t.diagnostic(line),
  });
  assert.equal(violations.length, 0, `${report}\nlogs and evidence: ${folder}`);
  t.diagnostic(report);
});
