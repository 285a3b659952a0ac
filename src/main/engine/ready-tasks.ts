import { bundleSize } from './bundle.ts';
import type { ClaimedTask } from './claimed-task.ts';
import type { Pace } from './pace.ts';

/** Claimed tasks that wait for a thread, in the order they are to run. */
export class ReadyTasks {
  readonly #tasks: ClaimedTask[] = [];

  get count(): number {
    return this.#tasks.length;
  }

  countByType(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { type } of this.#tasks) counts.set(type, (counts.get(type) ?? 0) + 1);
    return counts;
  }

  add(tasks: readonly ClaimedTask[]): void {
    this.#tasks.push(...tasks);
  }

  /** What a thread had and did not start goes first. */
  putBack(tasks: readonly ClaimedTask[]): void {
    this.#tasks.unshift(...tasks);
  }

  /** What goes to a thread next. @param idle how many threads are idle beside that one */
  takeBundle(idle: number, pace: Pace): ClaimedTask[] {
    return this.#tasks.splice(0, bundleSize(this.#tasks, idle, pace));
  }

  takeOne(taskId: string): ClaimedTask | null {
    const at = this.#tasks.findIndex((task) => task.id === taskId);
    return at === -1 ? null : (this.#tasks.splice(at, 1)[0] as ClaimedTask);
  }

  /** @param time by `performance.now()` */
  takeClaimedBefore(time: number): ClaimedTask[] {
    const tasks = this.takeAll();
    this.add(tasks.filter(({ claimed_at }) => claimed_at >= time));
    return tasks.filter(({ claimed_at }) => claimed_at < time);
  }

  takeAll(): ClaimedTask[] {
    return this.#tasks.splice(0);
  }
}
