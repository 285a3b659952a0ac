import type { Node, RangeVar } from 'libpg-query';
import { type ParsedStatement, parseSql } from './parse-sql.ts';
import { qualified } from './rules.ts';
import type { Script } from './script.ts';
import { PARSE_LIMIT } from './statements.ts';

/**
 * The tables that are there after scripts have run one after the other, as far as their statements say so by
 * themselves: not those that a DO or a function makes, and not those of a script that is too large to be parsed.
 * @returns the names as SQL, and where each is made
 */
export async function tablesMade(scripts: readonly Script[]): Promise<Map<string, string>> {
  const tables = new Map<string, string>();
  for (const { file, sql } of scripts) {
    if (sql.length > PARSE_LIMIT) continue;
    for (const statement of (await parseSql(sql)).statements) {
      // Nobody can tell from here what a name without its schema means afterwards.
      if (isSearchPath(statement.node)) break;
      follow(tables, statement, file);
    }
  }
  return tables;
}

function isSearchPath(node: Node): boolean {
  return 'VariableSetStmt' in node && node.VariableSetStmt.name === 'search_path';
}

function follow(tables: Map<string, string>, { node, line }: ParsedStatement, file: string): void {
  const made = tableOf(node);
  if (made && made.relpersistence !== 't') tables.set(qualified(made), `${file}:${line}`);
  for (const name of dropped(node)) tables.delete(name);
  const [from, to] = moved(node);
  const place = from && tables.get(qualified(from));
  if (from === undefined || to === undefined || place === undefined) return;
  tables.delete(qualified(from));
  tables.set(qualified(to), place);
}

function tableOf(node: Node): RangeVar | undefined {
  if ('CreateStmt' in node) return node.CreateStmt.relation;
  return 'CreateTableAsStmt' in node && node.CreateTableAsStmt.objtype === 'OBJECT_TABLE'
    ? node.CreateTableAsStmt.into?.rel
    : undefined;
}

function dropped(node: Node): string[] {
  if (!('DropStmt' in node) || node.DropStmt.removeType !== 'OBJECT_TABLE') return [];
  return (node.DropStmt.objects ?? []).map((object) => qualified(nameOf(object)));
}

/** A name is a list of its parts, the table last. */
function nameOf(object: Node): RangeVar {
  const items = ('List' in object && object.List.items) || [];
  const [relname, schemaname] = items.map((item) => ('String' in item && item.String.sval) || '').reverse();
  return { relname: relname ?? '', ...(schemaname !== undefined && { schemaname }) };
}

function moved(node: Node): [from?: RangeVar | undefined, to?: RangeVar] {
  if ('RenameStmt' in node && node.RenameStmt.renameType === 'OBJECT_TABLE') {
    const { relation, newname = '' } = node.RenameStmt;
    return [relation, { ...relation, relname: newname }];
  }
  if ('AlterObjectSchemaStmt' in node && node.AlterObjectSchemaStmt.objectType === 'OBJECT_TABLE') {
    const { relation, newschema = '' } = node.AlterObjectSchemaStmt;
    return [relation, { ...relation, schemaname: newschema }];
  }
  return [];
}
