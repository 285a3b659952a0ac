/** Runs a synchronous action when this process ends, also by Ctrl-C or SIGTERM. */
export function atExit(action: () => void): void {
  if (actions.length === 0) arm();
  actions.push(action);
}

const actions: (() => void)[] = [];

/** Without a listener a signal ends the process and no exit handler runs. */
function arm(): void {
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  process.once('exit', () => {
    for (const action of actions) action();
  });
}
