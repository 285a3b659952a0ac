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
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';

const instant = () => timestamp({ withTimezone: true });
const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

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
  },
  (t) => [
    check(
      'parsed_documents_status_known',
      sql`${t.status} in ('queued', 'transcribing', 'chunking', 'embedding', 'ready', 'failed')`,
    ),
  ],
);
