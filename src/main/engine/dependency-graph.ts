/** What each new task depends on, by id. What is not a key was there before, and depends on none of them. */
type Graph = ReadonlyMap<string, readonly string[]>;

/** The place in its batch that a dependency names as `#3`; null when it is an id. */
export function referenced(dependency: string): number | null {
  return dependency.startsWith('#') ? Number(dependency.slice(1)) : null;
}

/**
 * Finds tasks that wait for each other in a circle.
 * @returns the ids along the circle, each depending on the next and the last on the first; null when there is none
 */
export function cycleAmong(graph: Graph): string[] | null {
  const stuck = neverFree(graph);
  const path = new Set<string>();
  let [id] = stuck;
  while (id !== undefined && !path.has(id)) {
    path.add(id);
    id = graph.get(id)?.find((dependency) => stuck.has(dependency));
  }
  if (id === undefined) return null;
  const ids = [...path];
  return ids.slice(ids.indexOf(id));
}

/** Lets tasks end one after the other, each when all that it depends on have: those that are left over never can. */
function neverFree(graph: Graph): Set<string> {
  const dependants = new Map([...graph.keys()].map((id) => [id, [] as string[]]));
  const open = new Map<string, number>();
  for (const [id, dependencies] of graph) {
    const inside = dependencies.filter((dependency) => graph.has(dependency));
    for (const dependency of inside) dependants.get(dependency)?.push(id);
    open.set(id, inside.length);
  }
  const free = [...graph.keys()].filter((id) => open.get(id) === 0);
  for (let id = free.pop(); id !== undefined; id = free.pop()) {
    for (const dependant of dependants.get(id) ?? []) {
      const left = (open.get(dependant) as number) - 1;
      open.set(dependant, left);
      if (left === 0) free.push(dependant);
    }
  }
  return new Set([...open].filter(([, left]) => left > 0).map(([id]) => id));
}
