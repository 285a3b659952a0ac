import { measureDrain } from './support/measure-drain.ts';
import { BenchTenure } from './support/tenure.ts';

/* A process that drains so many no-op tasks with everything a runner has. */

const [url = '', count = ''] = process.argv.slice(2);
await measureDrain(await BenchTenure.prepare(url), Number(count));
