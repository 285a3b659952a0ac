import { parseArgs } from 'node:util';

export interface Arguments {
  /** The benchmarks that are asked for; all of the usual ones when there are none. */
  names: string[];
  quick: boolean;
  /** How large a table is to be, where that can be chosen. */
  tasks?: number;
  /** Of `peers`: who takes part, by the beginnings of their names, and what they do. */
  peers?: string[];
  workloads?: string[];
  rounds?: number;
  /** How long the long workloads of `peers` take. */
  seconds?: number;
  /** How long `memory` takes. */
  minutes?: number;
  /** What was measured goes into the documentation. */
  write: boolean;
}

/** @throws Error when there is something that nobody understands */
export function readArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      tasks: { type: 'string' },
      peers: { type: 'string' },
      workloads: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      minutes: { type: 'string' },
    },
  });
  return {
    names: positionals,
    quick: values.quick,
    write: values.write,
    ...numbers(values),
    ...lists(values),
  };
}

function numbers(values: Record<string, unknown>): Partial<Arguments> {
  const found: Partial<Arguments> = {};
  for (const name of ['tasks', 'rounds', 'seconds', 'minutes'] as const) {
    if (values[name] === undefined) continue;
    const value = Number(values[name]);
    if (!(value > 0)) throw new Error(`--${name} must be a number above 0, and is '${values[name]}'`);
    found[name] = value;
  }
  return found;
}

/** `drain,cpu` */
function lists(values: Record<string, unknown>): Partial<Arguments> {
  const found: Partial<Arguments> = {};
  for (const name of ['peers', 'workloads'] as const) {
    if (values[name] === undefined) continue;
    found[name] = String(values[name])
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '');
  }
  return found;
}
