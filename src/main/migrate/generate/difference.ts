import type { Description } from './describe-schema.ts';

/** What the two sides of a comparison are called: `before the UP` and `after the DOWN`. */
export interface Sides {
  wanted: string;
  found: string;
}

/** Every object in which two schemas differ, a line each. Pure. */
export function differences(wanted: Description, found: Description, sides: Sides): string[] {
  const objects = [...new Set([...wanted.keys(), ...found.keys()])].sort();
  return objects.flatMap((object) => {
    const [one, other] = [wanted.get(object), found.get(object)];
    return one === other ? [] : `  ${object}: ${difference(one, other, sides)}`;
  });
}

/**
 * Every object of a schema that another, which may have more, does not have in the same form. A constraint may have
 * another name there: after the rename of a table, PostgreSQL keeps the names that it once chose by it.
 */
export function missingFrom(schema: Description, found: Description, sides: Sides): string[] {
  const constraints = new Set([...found].filter(([object]) => isConstraint(object)).map(nameless));
  return [...schema].flatMap(([object, definition]) => {
    const other = found.get(object);
    if (other === definition) return [];
    if (other === undefined && isConstraint(object) && constraints.has(nameless([object, definition])))
      return [];
    return `  ${object}: ${difference(definition, other, sides)}`;
  });
}

function difference(wanted: string | undefined, found: string | undefined, sides: Sides): string {
  if (found === undefined) return `is not there ${sides.found}; ${sides.wanted}: ${excerpt(wanted ?? '', 0)}`;
  if (wanted === undefined) return `is there ${sides.found}, and not ${sides.wanted}: ${excerpt(found, 0)}`;
  const from = firstDifference(wanted, found);
  return `${sides.wanted}: ${excerpt(wanted, from)} | ${sides.found}: ${excerpt(found, from)}`;
}

function isConstraint(object: string): boolean {
  return object.startsWith('constraint ');
}

/** A constraint by its table and its definition. */
function nameless([object, definition]: [string, string]): string {
  return `${object.replace(/\.("([^"]|"")*"|[^."]*)$/, '')} ${definition}`;
}

function firstDifference(one: string, other: string): number {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at += 1;
  return at;
}

/** A definition on one line, cut so that what differs is in it. */
function excerpt(text: string, at: number): string {
  const start = at > 100 ? at - 60 : 0;
  const line = text
    .slice(start, start + 1000)
    .replace(/\s+/g, ' ')
    .trim();
  const cut = line.length > 200 ? `${line.slice(0, 199)}…` : line;
  return start > 0 ? `…${cut}` : cut;
}
