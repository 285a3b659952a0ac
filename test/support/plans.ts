import fc from 'fast-check';
import type { Submission } from '../../src/main/engine/submit.ts';
import type { Ending } from './end-as.ts';

/** A task of a random graph. */
export interface PlannedTask {
  /** The places of others in the plan, all before its own. */
  dependsOn: readonly number[];
  /** How it ends when it runs. */
  ending: Ending;
  runsInAnyCase: boolean;
  /** Those of one group end in one batch. */
  group: number;
}

/** Tasks that depend on each other in any way but a circle. */
export function plans(most: number, endings: readonly Ending[]): fc.Arbitrary<PlannedTask[]> {
  const task = fc.record({
    dependsOn: fc.array(fc.nat(), { maxLength: 4 }),
    ending: fc.oneof({ arbitrary: fc.constant<Ending>('completed'), weight: 4 }, fc.constantFrom(...endings)),
    runsInAnyCase: fc.boolean(),
    group: fc.nat(2),
  });
  return fc.array(task, { minLength: 2, maxLength: most, size: 'max' }).map((tasks) =>
    tasks.map((one, at) => ({
      ...one,
      dependsOn: at === 0 ? [] : one.dependsOn.map((which) => which % at),
    })),
  );
}

/**
 * A batch of the planned tasks, the last one first, so that each names tasks that come after it.
 * @param params of a task
 */
export function toSubmissions(
  plan: readonly PlannedTask[],
  type: string,
  params: (task: PlannedTask) => object,
): Submission[] {
  const last = plan.length - 1;
  return plan.toReversed().map((task) => ({
    type,
    params: params(task),
    depends_on: task.dependsOn.map((at) => `#${last - at}`),
    on_dependency_failure: task.runsInAnyCase ? 'run' : 'cancel',
  }));
}

/** How each has to end. */
export function expectedOf(plan: readonly PlannedTask[]): Ending[] {
  const ended: Ending[] = [];
  for (const { dependsOn, ending, runsInAnyCase } of plan) {
    const mayRun = runsInAnyCase || dependsOn.every((at) => ended[at] === 'completed');
    ended.push(mayRun ? ending : 'cancelled');
  }
  return ended;
}
