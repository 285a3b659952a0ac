// Asks the health of the process in this container: exits with 0 when it is well, and prints what it says of itself.
// Usage: node scripts/health-check.mjs PORT
const [port] = process.argv.slice(2);
try {
  const answer = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(4000) });
  console.log(await answer.text());
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  console.log(`nobody answers on port ${port}: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
