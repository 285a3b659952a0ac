import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import type { Script } from '../script.ts';

/**
 * Looks for what is dangerous on a table with rows and traffic, with squawk. It never fails: what it finds is for a
 * person to weigh.
 * @param root where squawk looks for settings of its own
 * @returns a line each; undefined when squawk is not installed for this system
 */
export async function lint(script: Script, root: string): Promise<string[] | undefined> {
  const program = findSquawk();
  if (program === undefined) return undefined;
  const args = [
    program,
    '--reporter=json',
    `--stdin-filepath=${script.file}`,
    `--exclude=${NOT_HERE.join(',')}`,
    ...(script.transactional ? ['--assume-in-transaction'] : []),
  ];
  const findings = parse(await outputOf(args, root, script.sql));
  return findings?.map((finding) => `${script.file}:${finding.line + 1}: ${advice(finding)}`);
}

interface Finding {
  /** From 0. */
  line: number;
  message: string;
  help: string | null;
  rule_name: string;
}

/** Timeouts and transactions are Heddle's own affair, and what type a column has is the author's. */
const NOT_HERE = [
  'require-lock-timeout',
  'require-statement-timeout',
  'prefer-robust-stmts',
  'transaction-nesting',
  'ban-concurrent-index-creation-in-transaction',
  'prefer-bigint-over-int',
  'prefer-bigint-over-smallint',
  'prefer-identity',
  'prefer-text-field',
  'prefer-timestamp-tz',
  'ban-char-field',
];

/** What to do about it in a migration of Heddle, where squawk says nothing or something that leads nowhere. */
const ADVICE: Record<string, string> = {
  'require-concurrent-index-creation':
    'On a large table use CONCURRENTLY, in a pair of its own whose first line is -- heddle:no-transaction.',
  'require-concurrent-index-deletion':
    'On a busy table use CONCURRENTLY, in a pair of its own whose first line is -- heddle:no-transaction.',
  'renaming-column': 'Release code that does without the old name first.',
  'renaming-table': 'Release code that does without the old name first.',
  'ban-drop-column': 'Release code that does without it first.',
  'ban-drop-table': 'Release code that does without it first.',
  'changing-column-type': 'On a large table add a new column, fill it in steps, and drop the old one later.',
};

function findSquawk(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve('squawk-cli/js/bin/squawk');
  } catch {
    return undefined;
  }
}

/** It exits with 1 when it finds something. */
function outputOf(args: readonly string[], cwd: string, input: string): Promise<string> {
  return new Promise((done) => {
    const child = execFile(process.execPath, args, { cwd, timeout: 10_000 }, (_, stdout) => done(stdout));
    // A program that cannot be started does not read.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/** Without the program for this system there is only the wrapper, which says so and not in JSON. */
function parse(output: string): Finding[] | undefined {
  try {
    return JSON.parse(output) as Finding[];
  } catch {
    return undefined;
  }
}

function advice({ message, help, rule_name: rule }: Finding): string {
  return [message, ADVICE[rule] ?? help, `(${rule})`].filter(Boolean).join(' ');
}
