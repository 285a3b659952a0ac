import { parseArgs } from 'node:util';
import { FAULT_KINDS, type FaultKind } from './schedule.ts';
import { soak } from './soak.ts';

/*
 * `npm run soak -- [--minutes N] [--seed S] [--runners K] [--mode singleton|shared] [--lease SECONDS] [--faults kill,cut,…]`:
 * exits with 1 when a promise was not kept. The same seed repeats the same schedule of faults.
 */

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    runners: { type: 'string', default: '2' },
    mode: { type: 'string', default: 'singleton' },
    lease: { type: 'string', default: '2' },
    faults: { type: 'string', default: FAULT_KINDS.join() },
  },
});

const kinds = values.faults.split(',');
const unknown = kinds.filter((kind) => !(FAULT_KINDS as string[]).includes(kind));
const numbers = [values.minutes, values.seed, values.runners, values.lease].map(Number);
if (unknown.length > 0 || numbers.some(Number.isNaN) || !['singleton', 'shared'].includes(values.mode)) {
  console.error(`usage: npm run soak -- [--minutes N] [--seed S] [--runners K] [--mode singleton|shared]
  [--lease SECONDS] [--faults KIND,…]   with the kinds ${FAULT_KINDS.join(', ')}`);
  process.exit(2);
}

const [minutes, seed, runners, leaseSeconds] = numbers as [number, number, number, number];
console.log(
  `soak for ${minutes} minutes with seed ${seed}, ${runners} runners, ${values.mode}, lease ${leaseSeconds} s`,
);
const result = await soak({
  minutes,
  seed,
  runners,
  leaseSeconds,
  mode: values.mode as 'singleton' | 'shared',
  kinds: kinds as FaultKind[],
  say: console.log,
});
console.log(`\n${result.report}`);
if (result.folder !== null) console.log(`logs and evidence: ${result.folder}`);
process.exit(result.violations.length === 0 ? 0 : 1);
