import { compute } from './support/compute.ts';

/* A bare process: told how many tasks, it computes them and says so. */

const rounds = Number(process.argv[2]);
compute(rounds);
compute(rounds);
process.on('message', (tasks: number) => {
  for (let task = 0; task < tasks; task++) compute(rounds);
  process.send?.('done');
});
process.send?.('ready');
