import { pino } from 'pino';

/** Where log lines go. */
export type LogOutput = ReturnType<typeof pino.destination>;

/**
 * Writes log lines to a file descriptor, each before it returns. When they cannot be written, as on a full disk, work
 * goes on: some are kept and written later, the others are counted, and a line in their place says how many.
 */
export function logOutput(fd: number): LogOutput {
  const output = pino.destination({ dest: fd, sync: true, maxLength: MOST_KEPT });
  let missing = 0;
  // Each line that comes tries again.
  output.on('error', () => {});
  output.on('drop', () => {
    missing++;
  });
  output.on('write', () => {
    if (missing === 0) return;
    const line = { level: WARN, time: Date.now(), event: 'log_lines_missing', count: missing };
    missing = 0;
    setImmediate(() => output.write(`${JSON.stringify({ ...line, msg: `${line.count} ${SAY}` })}\n`));
  });
  return output;
}

/** In characters. */
const MOST_KEPT = 2 ** 20;

const WARN = 40;

const SAY = 'lines are missing here: they could not be written';
