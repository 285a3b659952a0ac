import { type FileStore, filesIn, PIECE_BYTES } from '../../workers/shared/file-store.ts';
import type { Queryable } from './connect.ts';
import { newId } from './new-id.ts';

/*
 * A file comes in over minutes; a transaction that is open for so long would hold up vacuum everywhere. So it is stored
 * in short statements, under a row that belongs to no document yet, and claimed in the transaction that makes the
 * document. One that is never claimed is discarded, or swept up an hour later when its API process died meanwhile.
 */

/** A file that is coming in. */
export interface IncomingFile {
  readonly id: string;
  /** Takes bytes, and resolves when it may get more: one piece is in memory. */
  write(bytes: Uint8Array): Promise<void>;
  /** Stores what is left. */
  end(): Promise<void>;
  /** Removes it, unless a document has claimed it. */
  discard(): Promise<void>;
}

/** Begins to store a file. */
export async function beginFile(
  database: Queryable,
  store: FileStore = filesIn(database),
): Promise<IncomingFile> {
  const id = newId();
  await database.query(INSERT, [id]);
  /** For one piece after the other: a new one for each would be a large piece of garbage. */
  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  let filled = 0;
  let pieces = 0;

  async function putPiece(): Promise<void> {
    await store.put(id, pieces++, buffer.subarray(0, filled));
    filled = 0;
  }

  return {
    id,
    async write(bytes) {
      for (let at = 0; at < bytes.length; ) {
        const part = bytes.subarray(at, at + PIECE_BYTES - filled);
        buffer.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled === PIECE_BYTES) await putPiece();
      }
    },
    async end() {
      if (filled > 0) await putPiece();
    },
    async discard() {
      const { rowCount } = await database.query(DISCARD, [id]);
      if (rowCount === 1) await store.delete(id);
    },
  };
}

/**
 * Makes a file a document's.
 * @param client in the transaction that makes the document
 * @throws Error when the file has been swept up: it came in for more than an hour
 */
export async function claimFile(client: Queryable, fileId: string, documentId: string): Promise<void> {
  const { rowCount } = await client.query(CLAIM, [fileId, documentId]);
  if (rowCount === 0) throw new Error(`the file ${fileId} is not there any more`);
}

const INSERT = 'insert into document_files (id) values ($1)';

const CLAIM = 'update document_files set document_id = $2 where id = $1 and document_id is null';

/** Its pieces go with it, by their foreign key. */
const DISCARD = 'delete from document_files where id = $1 and document_id is null';
