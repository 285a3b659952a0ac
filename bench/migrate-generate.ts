import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../src/main/package-root.ts';
import { createEmptyDatabase } from '../test/support/database.ts';
import { runNode } from '../test/support/project-bench.ts';
import { temporaryDirectory } from '../test/support/temporary-directory.ts';

/**
 * `heddle migrate --generate` on a copy of this project, with a table more in its schema: the diff both ways, and the
 * proof on a scratch database.
 * @returns how long the process took, in milliseconds
 */
export async function generateOnce(): Promise<number> {
  const [root, database] = await Promise.all([copyOfTheProject(), createEmptyDatabase()]);
  try {
    const command = join(packageRoot, 'dist/src/main/cli.js');
    const args = [command, 'migrate', '--generate', 'add_measured', '--dir', 'migrations'];
    const startedAt = performance.now();
    const { code, stderr } = await runNode(args, root, { DATABASE_URL: database.url });
    if (code !== 0) throw new Error(`--generate exited with ${code}: ${stderr}`);
    return performance.now() - startedAt;
  } finally {
    await database.drop();
    await rm(root, { recursive: true });
  }
}

async function copyOfTheProject(): Promise<string> {
  const root = await temporaryDirectory();
  const copy = (path: string) => cp(join(packageRoot, path), join(root, path), { recursive: true });
  await mkdir(join(root, 'drizzle'));
  await Promise.all([copy('drizzle'), copy('migrations'), copy('drizzle.config.ts'), copy('package.json')]);
  await symlink(join(packageRoot, 'node_modules'), join(root, 'node_modules'));
  const facts = join(root, 'drizzle/schema/facts.ts');
  const added = `\nexport const measured = pgTable('measured', { id: uuid().primaryKey(), name: text().notNull() });\n`;
  await writeFile(facts, `${await readFile(facts, 'utf8')}${added}`);
  return root;
}
