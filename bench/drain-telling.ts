import { BenchEngine } from './support/engine.ts';
import { measureDrain } from './support/measure-drain.ts';

/* A process that drains so many no-op tasks with an engine of which everything is told: events, metrics, statistics. */

const [url = '', count = ''] = process.argv.slice(2);
await measureDrain(await BenchEngine.prepare(url, { tells: 'everything' }), Number(count));
