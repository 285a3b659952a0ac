import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/main/package-root.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { Heddle } from '../support/heddle.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/* Runs what docs/api.md tells a newcomer to type, and compares what comes with what it shows. */

const GUIDE = join(packageRoot, 'docs/api.md');
const SAMPLE = join(packageRoot, 'test/samples/two-columns-turkish.pdf');

let database: TestDatabase;
let directory: string;
let heddle: Heddle;

before(async () => {
  database = await createTestDatabase();
  directory = await temporaryDirectory();
  heddle = new Heddle(['start'], { DATABASE_URL: database.url, PORT: '0', RUNNER_PORT: '0' }, directory);
});

after(async () => {
  await heddle?.stop();
  await database?.drop();
  await rm(directory, { recursive: true, force: true });
});

test('every command of the guide prints what the guide shows', async () => {
  const api = await heddle.ready();
  const examples = examplesOf(await readFile(GUIDE, 'utf8'));
  assert.ok(examples.length > 15, `${examples.length} examples`);
  const printed = await runAll(
    examples.map(({ command }) => command),
    api,
  );
  for (const [index, { command, shown }] of examples.entries()) {
    const lines = linesOf(printed[index] ?? '');
    if (shown !== null) assert.deepEqual(lines.map(masked), linesOf(shown).map(masked), command);
  }
});

interface Example {
  command: string;
  /** What the block after it shows, or null when there is none. */
  shown: string | null;
}

function examplesOf(markdown: string): Example[] {
  const blocks = [...markdown.matchAll(/^```(sh|json|text)\n([\s\S]*?)^```$/gm)].map(([, kind, text]) => ({
    kind,
    text: text as string,
  }));
  return blocks.flatMap(({ kind, text }, index) => {
    if (kind !== 'sh') return [];
    const next = blocks[index + 1];
    return [{ command: text, shown: next === undefined || next.kind === 'sh' ? null : next.text }];
  });
}

/** In one shell, as somebody types them: variables and files stay. */
async function runAll(commands: string[], api: string): Promise<string[]> {
  const script = commands.map((command) => `${command}\nprintf '\\n${END}\\n'`).join('\n');
  const { stdout } = await promisify(execFile)(
    'bash',
    ['-euo', 'pipefail', '-c', script.replaceAll('http://127.0.0.1:8000', api)],
    { cwd: directory, env: { ...process.env, SAMPLE }, timeout: 60_000 },
  );
  return stdout.split(`${END}\n`);
}

const END = '--- end of example';

/** JSON documents one a line, however they are laid out; other lines as they are. */
function linesOf(text: string): string[] {
  const lines: string[] = [];
  let open = '';
  for (const line of text.split('\n').map((each) => each.trimEnd())) {
    open += line;
    if (open === '') continue;
    const json = asJson(open);
    if (json === undefined && open.startsWith('{')) continue;
    lines.push(json === undefined ? open : JSON.stringify(json));
    open = '';
  }
  return open === '' ? lines : [...lines, open];
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What differs each time, made equal. */
function masked(line: string): string {
  return line
    .replace(/"[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}"/g, '"…"')
    .replace(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"…"')
    .replace(/"(runner:)[\da-f-]+"/g, '"…"')
    .replace(/"version":"[^"]*"/g, '"version":"…"');
}
