/* Node's module hooks for foreign task folders, in the two forms that Node has had: see resolve-from-engine.ts. */

export interface ResolveData {
  /** The folders' addresses, ending in a slash. */
  folders: string[];
  /** The address of a file of the engine. */
  engine: string;
}

interface Context {
  parentURL?: string | undefined;
}

interface Resolved {
  url: string;
  format?: string | null | undefined;
}

let data: ResolveData = { folders: [], engine: '' };

export function initialize(given: ResolveData): void {
  data = given;
}

/** For `module.register`. */
export async function resolve(
  specifier: string,
  context: Context,
  next: (specifier: string, context: Context) => Promise<Resolved>,
): Promise<Resolved> {
  try {
    return asModule(await next(specifier, context));
  } catch (error) {
    if (!shouldAskEngine(error, specifier, context)) throw error;
    try {
      return await next(specifier, { ...context, parentURL: data.engine });
    } catch {
      throw error; // It names the file that asked.
    }
  }
}

/** For `module.registerHooks`. */
export function resolveSync(
  specifier: string,
  context: Context,
  next: (specifier: string, context: Context) => Resolved,
): Resolved {
  try {
    return asModule(next(specifier, context));
  } catch (error) {
    if (!shouldAskEngine(error, specifier, context)) throw error;
    try {
      return next(specifier, { ...context, parentURL: data.engine });
    } catch {
      throw error; // It names the file that asked.
    }
  }
}

function shouldAskEngine(error: unknown, specifier: string, { parentURL }: Context): boolean {
  const notFound =
    (error as { code?: string }).code === 'ERR_MODULE_NOT_FOUND' ||
    (error as { code?: string }).code === 'MODULE_NOT_FOUND';
  return notFound && /^[^./]/.test(specifier) && isForeign(parentURL);
}

/** A foreign folder needs no package.json to say that its .js files are modules. */
function asModule(resolved: Resolved): Resolved {
  return isForeign(resolved.url) && resolved.url.endsWith('.js')
    ? { ...resolved, format: 'module' }
    : resolved;
}

function isForeign(url: string | undefined): boolean {
  return (
    url !== undefined &&
    data.folders.some((folder) => url.startsWith(folder)) &&
    !url.includes('/node_modules/')
  );
}
