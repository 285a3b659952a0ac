/** How many tasks have ended. */
export class Count {
  ended = 0;
  #waiting: { tasks: number; resolve: () => void }[] = [];

  add(): void {
    this.ended++;
    if (this.#waiting.length === 0) return;
    const isThere = ({ tasks }: { tasks: number }) => this.ended >= tasks;
    for (const { resolve } of this.#waiting.filter(isThere)) resolve();
    this.#waiting = this.#waiting.filter((each) => !isThere(each));
  }

  until(tasks: number): Promise<void> {
    if (this.ended >= tasks) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ tasks, resolve }));
  }
}
