/**
 * Puts a text between its markers, which are comments and not shown. One that is not there yet comes last among its like.
 * @throws Error when the document has no place for any
 */
export function putSection(document: string, name: string, text: string): string {
  const section = `${begin(name)}\n\n${text.trim()}\n\n${end(name)}`;
  const from = document.indexOf(begin(name));
  const until = document.indexOf(end(name));
  if (from !== -1 && until > from)
    return document.slice(0, from) + section + document.slice(until + end(name).length);
  if (!document.includes(LAST)) throw new Error(`the document has neither ${begin(name)} nor ${LAST}`);
  return document.replace(LAST, () => `${section}\n\n${LAST}`);
}

/** Where new sections go: before this. */
export const LAST = '<!-- measured: end -->';

function begin(name: string): string {
  return `<!-- measured: ${name} -->`;
}

function end(name: string): string {
  return `<!-- measured: end of ${name} -->`;
}
