import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/main/package-root.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/* docs/client.md, read as its reader would: its examples in a project of their own that has the package installed. */

let project: string;
before(async () => {
  project = await temporaryDirectory();
});
after(() => rm(project, { recursive: true, force: true }));

describe('the examples of docs/client.md', () => {
  it('are checked by the compiler', async () => {
    const examples = await readExamples();
    assert.ok(examples.length > 5);
    for (const { file, text } of examples) await write(file, text);
    await write('package.json', '{"type":"module"}');
    await write('tsconfig.json', JSON.stringify(TSCONFIG));
    await mkdir(join(project, 'node_modules'));
    await symlink(packageRoot, join(project, 'node_modules/heddle'));
    for (const name of ['zod', '@types']) {
      await symlink(join(packageRoot, 'node_modules', name), join(project, 'node_modules', name));
    }
    const tsc = join(packageRoot, 'node_modules/typescript/bin/tsc');
    const checked = promisify(execFile)(process.execPath, [tsc, '--project', project]);
    await checked.catch(({ stdout }: { stdout: string }) => assert.fail(stdout));
  });
});

const TSCONFIG = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2023',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    rewriteRelativeImportExtensions: true,
    noEmit: true,
    skipLibCheck: true,
  },
  include: ['src'],
};

/** The first line of an example can name its file. */
async function readExamples(): Promise<{ file: string; text: string }[]> {
  const guide = await readFile(join(packageRoot, 'docs/client.md'), 'utf8');
  return [...guide.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text = ''], index) => ({
    file: /^\/\/ (\S+\.ts)$/m.exec(text.split('\n')[0] ?? '')?.[1] ?? `src/example-${index}.ts`,
    text,
  }));
}

async function write(file: string, text: string): Promise<void> {
  const path = join(project, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
