/**
 * Calls `onSignal` for SIGTERM and SIGINT. Repeats within half a second count as one: npm and a terminal both pass a
 * Ctrl-C on.
 * @returns takes the handlers away again
 */
export function onStopSignals(onSignal: (signal: NodeJS.Signals) => void): () => void {
  let last = Number.NEGATIVE_INFINITY;
  const handle = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (now - last > REPEAT_MS) onSignal(signal);
    last = now;
  };
  process.on('SIGTERM', handle);
  process.on('SIGINT', handle);
  return () => {
    process.off('SIGTERM', handle);
    process.off('SIGINT', handle);
  };
}

const REPEAT_MS = 500;
