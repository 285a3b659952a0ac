import type { Generated } from './generate.ts';
import type { MadePair } from './make-pair.ts';
import { shortPath } from './project.ts';
import type { Proof } from './proof.ts';

/** What a person wants to know of the pairs that were made, and what the linter has to say about them. */
export function asGenerated(
  { adopted, made }: Extract<Generated, { status: 'done' }>,
  tookMs: number,
): { lines: string[]; warnings: string[] } {
  const pairs = made === undefined ? adopted : [...adopted, made];
  if (pairs.length === 0)
    return {
      lines: ['nothing to do: the schema files hold nothing new (for SQL of your own: --empty)'],
      warnings: [],
    };
  return {
    lines: [
      ...adopted.flatMap((pair) => [`adopted drizzle/${pair.id}`, ...asPair(pair)]),
      ...(made === undefined ? ['the schema files hold nothing more'] : asPair(made)),
      `took ${seconds(tookMs)}; next: review the files, then heddle migrate --up; commit them together with drizzle/`,
    ],
    warnings: warningsOf(pairs),
  };
}

function asPair({ files, proof }: MadePair): string[] {
  const steps = proof.backwards
    ? 'UP, DOWN to the schema before, UP to the same again'
    : 'UP; its DOWN says that it is irreversible';
  return [
    ...files.map((file) => `wrote ${shortPath(file)}`),
    `proved on a scratch database: ${steps} (${seconds(proof.tookMs)})`,
  ];
}

function warningsOf(pairs: readonly MadePair[]): string[] {
  if (pairs.some(({ warnings }) => warnings === undefined))
    return ['note: squawk-cli is not installed for this system, so nobody has looked for dangerous DDL'];
  return pairs.flatMap(({ warnings }) => (warnings ?? []).map((warning) => `warning: ${warning}`));
}

export function asEmpty(files: readonly string[]): string[] {
  return [
    ...files.map((file) => `wrote ${shortPath(file)}`),
    'next: write the SQL of both, then heddle migrate --check proves it, and heddle migrate --up applies it',
  ];
}

/** @param asked drizzle-kit's questions, as JSON */
export function asQuestions(asked: string): string {
  const { unresolved = [] } = JSON.parse(asked) as { unresolved?: { kind: string; entity: string[] }[] };
  const { kind = 'column', entity = [] } = unresolved[0] ?? {};
  const from = [...entity.slice(0, -1), 'OLD_NAME'];
  const rename = JSON.stringify({ type: 'rename', kind, from, to: entity });
  const create = JSON.stringify({ type: 'create', kind, entity });
  return `drizzle-kit cannot tell what is renamed from what is new: answer each entry of "unresolved" with ${rename} or ${create} in a JSON array in a file, and run it again with --hints FILE`;
}

export function asChecked(proofs: readonly Proof[], tookMs: number): string[] {
  const irreversible = proofs.filter(({ backwards }) => !backwards).length;
  const exceptions = irreversible === 0 ? '' : ` (${irreversible} of them only up: irreversible)`;
  return [
    `complete pairs: ${proofs.length}; each goes up, down and up again${exceptions}`,
    'the migrations make what the schema files say, and those hold nothing that no pair was made of',
    `took ${seconds(tookMs)}`,
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
