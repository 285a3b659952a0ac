import type pg from 'pg';
import chunkDocument from '../../src/tasks/chunk-document.ts';
import embedDocument from '../../src/tasks/embed-document.ts';
import { type Attempt, attemptContext } from './attempt-context.ts';
import { storedDocument } from './stored-document.ts';

let documents = 0;

/** A document as its transcription leaves it. @param text pages separated by form feeds @returns its id */
export async function transcribedDocument(
  database: pg.Pool,
  text: string,
  title = `document ${documents}`,
): Promise<string> {
  documents += 1;
  const id = await storedDocument(database, Buffer.from(`${documents} ${text}`), { title });
  await database.query(TRANSCRIBED, [id, text]);
  return id;
}

/** A document with its chunks. @returns its id */
export async function chunkedDocument(database: pg.Pool, text: string, title?: string): Promise<string> {
  const id = await transcribedDocument(database, text, title);
  await runChunking(database, id);
  return id;
}

/** One attempt of `chunk-document`, without an engine. */
export async function runChunking(database: pg.Pool, id: string): Promise<void> {
  const { context } = await attemptContext(database, 'chunk-document', { document_id: id });
  await chunkDocument.run(context);
}

/** One attempt of `embed-document`, without an engine. @param last no retry follows it */
export async function runEmbedding(
  database: pg.Pool,
  id: string,
  { last = false } = {},
): Promise<Attempt<{ document_id: string }>> {
  const attempt = await attemptContext(database, 'embed-document', { document_id: id });
  const { context } = attempt;
  const task = last ? { ...context.task, attempt: context.task.maxRetries + 1 } : context.task;
  await embedDocument.run({ ...context, task });
  return attempt;
}

/** What is known of a document's text, chunks and embeddings. */
export async function parsedDocument(database: pg.Pool, id: string) {
  const { rows } = await database.query('select * from parsed_documents where document_id = $1', [id]);
  return rows[0];
}

/** Sets variables of the environment while something runs, as the runner's threads have them. */
export async function withEnvironment<T>(
  variables: Record<string, string | undefined>,
  work: () => Promise<T>,
): Promise<T> {
  const before = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]));
  set(variables);
  try {
    return await work();
  } finally {
    set(before);
  }
}

function set(variables: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

const TRANSCRIBED = `
update parsed_documents
set status = 'chunking', text = $2, pages = 1 + length($2) - length(replace($2, E'\\f', '')), characters = length($2)
where document_id = $1`;
