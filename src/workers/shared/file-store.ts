/** The most bytes of a piece, but for the last one all have as many: neither side ever holds a large value. */
export const PIECE_BYTES = 1024 * 1024;

/**
 * Where the bytes of files are kept, piece by piece: in PostgreSQL, so that api and runner share no disk. Another
 * place, such as S3 (where a piece would be a part of a multipart upload), needs these three. Which files there are, and
 * whose they are, stays in the table `document_files`.
 */
export interface FileStore {
  /** Keeps a piece. They come in order, counted from 0, and each is kept when this resolves: the memory is the caller's again. */
  put(fileId: string, piece: number, bytes: Uint8Array): Promise<void>;
  /** The pieces in order; nothing of a file that there is not. */
  read(fileId: string): AsyncIterable<Buffer>;
  /** Forgets a file, whole or half. One that there is not is no error. */
  delete(fileId: string): Promise<void>;
}

/** Files in the table `document_pieces`. Each piece is a short statement: no connection is held between two of them. */
export function filesIn(database: Queryable): FileStore {
  return {
    async put(fileId, piece, bytes) {
      await database.query(PUT, [fileId, piece, bytes]);
    },
    async *read(fileId) {
      for (let piece = 0; ; piece += 1) {
        const { rows } = await database.query<{ bytes: Buffer }>(READ, [fileId, piece]);
        const [row] = rows;
        if (row === undefined) return;
        yield row.bytes;
      }
    },
    async delete(fileId) {
      await database.query(DELETE, [fileId]);
    },
  };
}

/** A pool or a client, of the main thread or of a worker thread. */
interface Queryable {
  query<Row extends object>(statement: string, values: unknown[]): Promise<{ rows: Row[] }>;
}

const PUT = 'insert into document_pieces (file_id, piece, bytes) values ($1, $2, $3)';

const READ = 'select bytes from document_pieces where file_id = $1 and piece = $2';

const DELETE = 'delete from document_pieces where file_id = $1';
