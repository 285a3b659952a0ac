import type { IndexStmt, Node, RangeVar } from 'libpg-query';
import type { ParsedStatement } from './parse-sql.ts';

/** Why a statement must not be in a migration, or undefined. */
export function forbidden({ node, text }: ParsedStatement, transactional: boolean): string | undefined {
  if ('TransactionStmt' in node)
    return `${firstWord(text)}: the transaction is not the file's to begin or to end: take it out`;
  if (isCopyThroughClient(node)) return 'COPY from or to the client is not possible here: write INSERT';
  if ('DiscardStmt' in node && node.DiscardStmt.target === 'DISCARD_ALL')
    return 'DISCARD ALL would give back the lock of the migration: take it out';
  if (!transactional) return undefined;
  if (isConcurrent(node)) return `CONCURRENTLY ${NO_TRANSACTION}`;
  return isOutsideTransactions(node) ? `${firstWord(text)} ${NO_TRANSACTION}` : undefined;
}

const NO_TRANSACTION =
  'cannot run in a transaction: make the first line of the file -- heddle:no-transaction';

/** COPY … FROM STDIN or TO STDOUT. */
export function isCopyThroughClient(node: Node): boolean {
  return 'CopyStmt' in node && node.CopyStmt.filename === undefined;
}

/** CALL and DO run code that may commit. */
export function mayCommit(node: Node): boolean {
  return 'CallStmt' in node || 'DoStmt' in node;
}

/** The index that a CREATE INDEX CONCURRENTLY names, and its table as SQL. */
export function concurrentIndex(node: Node): { name: string; table: string } | undefined {
  if (!('IndexStmt' in node)) return undefined;
  const { concurrent, idxname, relation }: IndexStmt = node.IndexStmt;
  if (!concurrent || idxname === undefined || relation === undefined) return undefined;
  return { name: idxname, table: qualified(relation) };
}

/** A table's name as SQL, with its schema when it has one. */
export function qualified({ schemaname, relname = '' }: RangeVar): string {
  return schemaname === undefined ? quoted(relname) : `${quoted(schemaname)}.${quoted(relname)}`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** REFRESH MATERIALIZED VIEW CONCURRENTLY is the one that a transaction allows. */
function isConcurrent(node: Node): boolean {
  if ('IndexStmt' in node) return node.IndexStmt.concurrent === true;
  if ('DropStmt' in node) return node.DropStmt.concurrent === true;
  if ('ReindexStmt' in node) return (node.ReindexStmt.params ?? []).some(isConcurrentlyOption);
  return 'AlterTableStmt' in node && (node.AlterTableStmt.cmds ?? []).some(detachesConcurrently);
}

function isConcurrentlyOption(option: Node): boolean {
  return 'DefElem' in option && option.DefElem.defname === 'concurrently';
}

function detachesConcurrently(command: Node): boolean {
  if (!('AlterTableCmd' in command)) return false;
  const { def } = command.AlterTableCmd;
  return def !== undefined && 'PartitionCmd' in def && def.PartitionCmd.concurrent === true;
}

function isOutsideTransactions(node: Node): boolean {
  if ('VacuumStmt' in node) return node.VacuumStmt.is_vacuumcmd === true;
  return ['CreatedbStmt', 'DropdbStmt', 'AlterSystemStmt', 'CreateTableSpaceStmt', 'DropTableSpaceStmt'].some(
    (kind) => kind in node,
  );
}

function firstWord(text: string): string {
  return (/^\w+/.exec(text)?.[0] ?? text).toUpperCase();
}
