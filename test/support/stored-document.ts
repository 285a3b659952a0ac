import { createHash } from 'node:crypto';
import type pg from 'pg';
import { transaction } from '../../src/main/database/connect.ts';
import { beginFile } from '../../src/main/database/document-files.ts';
import { makeDocument, type NewDocument } from '../../src/main/database/documents.ts';

/** Stores a document as an upload does, but for its tasks and without a look at what it is. @returns its id */
export async function storedDocument(
  database: pg.Pool,
  content: Buffer,
  more: Partial<NewDocument> = {},
): Promise<string> {
  const file = await beginFile(database);
  await file.write(content);
  await file.end();
  const document: NewDocument = {
    fileId: file.id,
    title: 'sample',
    mediaType: 'application/pdf',
    charset: null,
    bytes: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    ...more,
  };
  return (await transaction(database, (client) => makeDocument(client, document))).id;
}
