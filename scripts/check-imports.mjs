// Holds the import rules: each floor knows only the floors below it. Prints every import that breaks one.
// Usage: node scripts/check-imports.mjs [ROOT]
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Who may never import what, by the beginning of a path from the project's root or of a package's name. */
const RULES = [
  {
    from: 'src/workers/',
    never: ['src/main/', 'src/tasks/'],
    why: 'a thread knows nothing of the main thread',
  },
  {
    from: 'src/tasks/',
    never: ['src/main/'],
    why: 'a task runs in a thread, and knows nothing of the main thread',
  },
  {
    from: 'src/tasks/',
    never: ['src/workers/'],
    except: ['src/workers/define-task.ts', 'src/workers/program.ts', 'src/workers/shared/'],
    why: 'a task knows what it may import by heddle/define and heddle/program, and what both sides share: the API stores what it reads, and a search embeds its words as it does its chunks',
  },
  {
    from: 'src/main/',
    never: ['src/workers/'],
    except: ['src/workers/protocol.ts', 'src/workers/shared/'],
    why: 'the two sides share the protocol, what is in shared/, and nothing else',
  },
  {
    from: 'src/main/',
    never: ['src/tasks/'],
    typesAllowed: true,
    why: 'task code is never loaded on the main thread',
  },
  {
    from: 'src/',
    never: ['drizzle-kit'],
    except: [],
    unless: 'src/main/migrate/generate/drizzle-kit.ts',
    why: 'one file knows the interface of drizzle-kit',
  },
  {
    from: 'src/workers/shared/',
    never: ['src/'],
    except: ['src/workers/shared/', 'src/workers/protocol.ts'],
    why: 'what both sides share knows neither',
  },
  { from: 'src/workers/', never: ['drizzle-orm'], why: 'its import would cost every thread time and memory' },
  {
    from: 'src/main/engine/',
    never: ['src/main/http/', 'src/main/leader/', 'src/main/commands/', 'hono', '@hono/'],
    why: 'the engine knows no HTTP, and the leader uses the engine, never the other way',
  },
  {
    from: 'src/main/leader/',
    never: ['src/main/http/', 'src/main/commands/', 'hono', '@hono/'],
    why: 'the leader knows no HTTP',
  },
  {
    from: 'src/main/http/',
    never: ['piscina', 'node:worker_threads', 'src/main/leader/'],
    why: 'HTTP knows no threads',
  },
  {
    from: 'src/main/database/',
    never: ['src/main/engine/', 'src/main/http/', 'src/main/leader/', 'hono'],
    typesAllowed: true,
    why: 'the database is the lowest floor',
  },
  {
    from: 'src/main/migrate/',
    never: ['src/main/engine/', 'src/main/http/', 'src/main/leader/'],
    why: 'a migration needs nothing but a database',
  },
  {
    from: 'src/client/',
    never: [''],
    except: ['src/client/'],
    why: 'the client runs anywhere, and imports nothing but its own files',
  },
  { from: 'drizzle/', never: ['src/'], why: 'the schema stands alone' },
  { from: 'src/', never: ['test/', 'bench/'], why: 'what runs does not need its tests' },
];

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const files = ['src', 'drizzle/schema']
  .filter((folder) => existsSync(join(root, folder)))
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/')),
  );

/** `import … from`, `export … from`, `import '…'` and `import('…')`, with the word `type` when only types are meant. */
const IMPORT =
  /^\s*(?:import|export)\s+(type\b)?[^'"`;]*?from\s+['"]([^'"]+)['"]|^\s*import\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm;

const imports = new Map(files.map((file) => [file, importsOf(file)]));
const faults = [...imports].flatMap(([file, found]) => found.flatMap((one) => broken(file, one)));
faults.push(...circles());
for (const fault of faults) console.error(fault);
console.log(`import rules: ${files.length} files, ${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;

/** What a file imports: other files by their path from the root, packages by name. */
function importsOf(file) {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(IMPORT)].map(([, type, from, bare, dynamic]) => {
    const specifier = from ?? bare ?? dynamic;
    const target = specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : specifier;
    return { target, typeOnly: type !== undefined };
  });
}

function broken(file, { target, typeOnly }) {
  return RULES.filter(
    ({ from, never, except = [], unless, typesAllowed }) =>
      file.startsWith(from) &&
      !(unless && file.startsWith(unless)) &&
      !(typesAllowed && typeOnly) &&
      never.some((prefix) => target.startsWith(prefix)) &&
      !except.some((prefix) => target.startsWith(prefix)),
  ).map(({ why }) => `${file} imports ${target}: ${why}`);
}

/** Imports that go in a circle, each told once. Types are gone in the build, and may. */
function circles() {
  const told = new Set();
  const done = new Set();
  const walk = (file, path) => {
    if (path.includes(file)) {
      const circle = path.slice(path.indexOf(file));
      const name = [...circle].sort().join();
      if (!told.has(name)) told.add(name).add(`circle: ${[...circle, file].join(' → ')}`);
    } else if (!done.has(file)) {
      for (const { target, typeOnly } of imports.get(file)) {
        if (!typeOnly && imports.has(target)) walk(target, [...path, file]);
      }
      done.add(file);
    }
  };
  for (const file of files) walk(file, []);
  return [...told].filter((line) => line.startsWith('circle: '));
}
