import * as graphile from 'graphile-worker-0.18';
import { GraphileSystem } from './graphile-worker.mjs';

export const open = (options, ended) => new GraphileSystem(graphile, options, ended);
