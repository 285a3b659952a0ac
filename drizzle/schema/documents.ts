import { sql } from 'drizzle-orm';
import {
  bigint,
  check,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  real,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';

const instant = () => timestamp({ withTimezone: true });
const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
const tsvector = customType<{ data: string }>({ dataType: () => 'tsvector' });
const bits = customType<{ data: string }>({ dataType: () => 'bit varying' });

/** What was uploaded, or given as text. Its bytes are in `document_pieces`: api and runner share no disk. */
export const documents = pgTable(
  'documents',
  {
    id: uuid().primaryKey().default(sql`heddle_uuid_v7()`),
    title: text().notNull(),
    media_type: text().notNull(),
    /** How its sender says that text is encoded. */
    charset: text(),
    bytes: bigint({ mode: 'number' }).notNull(),
    /** Of the whole file, in lower-case hexadecimal: the same bytes are the same document. */
    sha256: text().notNull(),
    task_ids: uuid().array().notNull().default(sql`'{}'`),
    created_at: instant().notNull().default(sql`now()`),
  },
  (t) => [uniqueIndex('documents_sha256').on(t.sha256)],
);

/**
 * A file that is being stored, or is. Its pieces are committed one by one while it comes in; it belongs to a document
 * from the transaction on in which that one is made. What never comes so far is swept up.
 */
export const documentFiles = pgTable(
  'document_files',
  {
    id: uuid().primaryKey().default(sql`heddle_uuid_v7()`),
    document_id: uuid().references(() => documents.id, { onDelete: 'cascade' }),
    created_at: instant().notNull().default(sql`now()`),
    /** When its bytes were last found to be those that came in. */
    verified_at: instant(),
  },
  (t) => [
    uniqueIndex('document_files_document').on(t.document_id),
    index('document_files_unclaimed').on(t.created_at).where(sql`${t.document_id} is null`),
  ],
);

/** A file's bytes in order, at most 1 MiB a piece: neither side ever holds a large value twice. */
export const documentPieces = pgTable(
  'document_pieces',
  {
    file_id: uuid()
      .notNull()
      .references(() => documentFiles.id, { onDelete: 'cascade' }),
    piece: integer().notNull(),
    bytes: bytea().notNull(),
  },
  (t) => [primaryKey({ columns: [t.file_id, t.piece] })],
);

/** What became of a document: its text, or why there is none. */
export const parsedDocuments = pgTable(
  'parsed_documents',
  {
    document_id: uuid()
      .primaryKey()
      .references(() => documents.id, { onDelete: 'cascade' }),
    status: text({ enum: ['queued', 'transcribing', 'chunking', 'embedding', 'ready', 'failed'] })
      .notNull()
      .default('queued'),
    /** Pages are separated by form feeds. */
    text: text(),
    pages: integer(),
    /** In UTF-16 units, as everything that counts offsets in this API. */
    characters: integer(),
    /** The program or library that read it. */
    transcribed_by: text(),
    warnings: jsonb().$type<string[]>().notNull().default([]),
    error: text(),
    updated_at: instant().notNull().default(sql`now()`),
    /** How many there are; null before they are made. */
    chunks: integer(),
    /** Of all its chunks together. A document without embeddings is found by its words. */
    embedding_status: text({ enum: ['none', 'pending', 'done', 'failed'] })
      .notNull()
      .default('none'),
    embedding_model: text(),
    embedding_dimension: integer(),
    embedding_error: text(),
    /** When a failed embedding is to be tried again; null: not before a runner starts anew. */
    embedding_retry_at: instant(),
  },
  (t) => [
    check(
      'parsed_documents_status_known',
      sql`${t.status} in ('queued', 'transcribing', 'chunking', 'embedding', 'ready', 'failed')`,
    ),
    check(
      'parsed_documents_embedding_status_known',
      sql`${t.embedding_status} in ('none', 'pending', 'done', 'failed')`,
    ),
  ],
);

/**
 * Parts of documents' texts, which searches find. The wide columns are kept beside the table (see the migration): a
 * search passes by many rows and reads few.
 */
export const documentChunks = pgTable(
  'document_chunks',
  {
    /** In the order in which they were made. Chunks that are made anew are others. */
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    document_id: uuid()
      .notNull()
      .references(() => documents.id, { onDelete: 'cascade' }),
    /** From 0, in the order of the text. */
    chunk: integer().notNull(),
    /** From 1. */
    page: integer().notNull(),
    /** In UTF-16 units of the document's text. */
    start_offset: integer().notNull(),
    end_offset: integer().notNull(),
    text: text().notNull(),
    /** Its words, and where those are written without blanks between them, pairs of characters. */
    words: tsvector().notNull(),
  },
  (t) => [
    unique('document_chunks_document_id_chunk').on(t.document_id, t.chunk),
    index('document_chunks_words').using('gin', t.words).with({ gin_pending_list_limit: 256 }),
  ],
);

/**
 * Vectors of chunks, of length 1. Only those of the same model and dimension can be compared. The migration makes an
 * index that holds their signs, which PostgreSQL reads instead of the table; with pgvector, the leader makes others.
 */
export const documentEmbeddings = pgTable('document_embeddings', {
  chunk_id: bigint({ mode: 'number' })
    .primaryKey()
    .references(() => documentChunks.id, { onDelete: 'cascade' }),
  model: text().notNull(),
  dimension: integer().notNull(),
  embedding: real().array().notNull(),
  /** Of each number whether it is above 0. */
  signs: bits().notNull(),
});
