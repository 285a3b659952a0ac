// A process that starts an embedded database, says so in a line of JSON, and keeps it until it is told to stop by the
// end of its input; `leave` lets the process end by itself instead, without stopping anything.
import { startEmbedded } from '../../../../src/main/database/embedded/start.ts';

const [dataDir, leave] = process.argv.slice(2) as [string, string?];

process.on('SIGINT', () => {});
try {
  const server = await startEmbedded({ dataDir, observe: () => {} });
  process.stdout.write(`${JSON.stringify(server)}\n`);
  if (leave !== 'leave') {
    process.stdin.resume();
    process.stdin.once('end', () => void server.stop());
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
