import type { Pool, PoolClient } from 'pg';
import { filesIn } from '../../workers/shared/file-store.ts';
import type { Source } from './transcribe.ts';
import type { Transcript } from './transcript.ts';
import { notFound } from './unreadable.ts';

/** A document as its upload left it. */
export interface StoredDocument extends Source {
  title: string;
}

/**
 * Marks the document as being transcribed.
 * @throws PermanentError when there is no such document
 */
export async function beginTranscription(database: Pool, id: string): Promise<StoredDocument> {
  const { rows } = await database.query<BegunRow>(BEGIN_TRANSCRIPTION, [id]);
  const [row] = rows;
  if (row === undefined) throw notFound(id);
  const { file_id, title, media_type: mediaType, charset, bytes } = row;
  const pieces = () => filesIn(database).read(file_id);
  return { title, mediaType, charset, bytes: Number(bytes), pieces };
}

interface BegunRow {
  file_id: string;
  title: string;
  media_type: string;
  charset: string | null;
  /** A bigint. */
  bytes: string;
}

/**
 * Keeps the text. What comes next is to cut it into chunks.
 * @throws PermanentError when the document was deleted meanwhile
 */
export async function keepTranscript(client: PoolClient, id: string, transcript: Transcript): Promise<void> {
  const { text, pages, characters, transcribedBy, warnings } = transcript;
  const { rowCount } = await client.query(KEEP_TRANSCRIPT, [
    id,
    text,
    pages,
    characters,
    transcribedBy,
    JSON.stringify(warnings),
  ]);
  if (rowCount === 0) throw notFound(id);
}

/** Says at the document why it has no text. */
export async function noteFailure(database: Pool, id: string, error: Error): Promise<void> {
  await database.query(NOTE_FAILURE, [id, error.message]);
}

/** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
export async function transaction<T>(database: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await database.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const value = await work(client);
    await client.query('commit');
    return value;
  } catch (error) {
    await client.query('rollback').catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

const BEGIN_TRANSCRIPTION = `
update parsed_documents p
set status = 'transcribing', error = null, updated_at = now()
from documents d
join document_files f on f.document_id = d.id
where d.id = $1 and p.document_id = d.id
returning f.id as file_id, d.title, d.media_type, d.charset, d.bytes`;

const KEEP_TRANSCRIPT = `
update parsed_documents
set status = 'chunking', text = $2, pages = $3, characters = $4, transcribed_by = $5, warnings = $6, error = null,
  updated_at = now()
where document_id = $1`;

/** Only while it is being transcribed: an attempt that is late must not undo what a newer one has kept. */
const NOTE_FAILURE = `
update parsed_documents
set status = 'failed', error = $2, updated_at = now()
where document_id = $1 and status = 'transcribing'`;
