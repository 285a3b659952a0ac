/**
 * Writes items of which some can perhaps not be written: what fails together is tried again in halves. The largest
 * parts come first, so that most items wait for few failures of others.
 * @param write writes some of the items. Resolves with what is left of them when that has failed
 * @returns those that cannot be written by themselves
 */
export async function writeByHalves<T>(
  items: readonly T[],
  write: (some: readonly T[]) => Promise<readonly T[]>,
): Promise<T[]> {
  const parts = items.length === 0 ? [] : [items];
  const unwritten: T[] = [];
  for (const part of parts) {
    const left = await write(part);
    if (part.length === 1) unwritten.push(...left);
    else parts.push(...halves(left));
  }
  return unwritten;
}

function halves<T>(items: readonly T[]): (readonly T[])[] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)].filter(({ length }) => length > 0);
}
