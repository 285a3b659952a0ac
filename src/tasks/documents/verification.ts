import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import { filesIn } from '../../workers/shared/file-store.ts';

/** A stored file, and what it should be. */
export interface FileToVerify {
  file_id: string;
  document_id: string;
  sha256: string;
}

/** Files that came in, or were verified, more than a week ago: those first for which it is longest. */
export async function dueFiles(database: Pool, most: number): Promise<FileToVerify[]> {
  const { rows } = await database.query<FileToVerify>(DUE, [most]);
  return rows;
}

/** Whether a file's bytes have the hash that they had when they came in. One that was deleted meanwhile is whole. */
export async function isWhole(database: Pool, { file_id, sha256 }: FileToVerify): Promise<boolean> {
  const hash = createHash('sha256');
  for await (const piece of filesIn(database).read(file_id)) hash.update(piece);
  if (hash.digest('hex') === sha256) return true;
  const { rowCount } = await database.query('select from document_files where id = $1', [file_id]);
  return rowCount === 0;
}

/** Its bytes are right, as of now. */
export async function noteVerified(database: Pool, { file_id }: FileToVerify): Promise<void> {
  await database.query('update document_files set verified_at = now() where id = $1', [file_id]);
}

const DUE = `
select f.id as file_id, d.id as document_id, d.sha256
from document_files f
join documents d on d.id = f.document_id
where coalesce(f.verified_at, f.created_at) < now() - interval '7 days'
order by coalesce(f.verified_at, f.created_at), f.id
limit $1`;
