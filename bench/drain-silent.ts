import { BenchEngine } from './support/engine.ts';
import { measureDrain } from './support/measure-drain.ts';

/* A process that drains so many no-op tasks with an engine of which nothing is told, neither in the database nor beside it. */

const [url = '', count = ''] = process.argv.slice(2);
await measureDrain(await BenchEngine.prepare(url, { tells: 'nothing' }), Number(count));
