import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { packageRoot } from '../../src/main/package-root.ts';
import { transcribePdf } from '../../src/tasks/documents/transcribe-pdf.ts';
import { embedderOf } from '../../src/workers/shared/embeddings/embedder.ts';
import { toSignBits, toSqlArray } from '../../src/workers/shared/embeddings/vectors.ts';
import { searchable } from '../../src/workers/shared/search-terms.ts';

/**
 * Fills the tables with documents of a hundred chunks each: sentences of the Debian FAQ in random order, so that its
 * common words are in most of them, one in ten with a sentence in Chinese or Japanese, and one in four with a number that
 * few others have. The same each time.
 */
export async function fillDocuments(databaseUrl: string, chunks: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const random = randomNumbers();
  const sentences = await sentencesOf('debian-faq.en.pdf');
  for (let document = 0; document < chunks / CHUNKS_EACH; document += 1) {
    const texts = Array.from({ length: CHUNKS_EACH }, () => makeChunk(sentences, random));
    const vectors = await EMBEDDER.embed(texts, { timeoutMs: 1 });
    await client.query(FILL, [
      `document ${document}`,
      texts,
      texts.map(searchable),
      EMBEDDER.model,
      vectors.map(toSqlArray),
      vectors.map(toSignBits),
    ]);
  }
  // As autovacuum would: until then, what is new is read from the table and not from the index.
  for (const table of ['document_chunks', 'document_embeddings', 'documents'])
    await client.query(`vacuum analyze ${table}`);
  await client.end();
}

const CHUNKS_EACH = 100;

const EMBEDDER = embedderOf({ kind: 'local' });

async function sentencesOf(sample: string): Promise<string[]> {
  const file = await readFile(join(packageRoot, 'test/samples', sample));
  const limits = { signal: AbortSignal.timeout(120_000), timeoutSeconds: 120 };
  const { pages } = await transcribePdf(
    file.length,
    async function* () {
      yield file;
    },
    limits,
  );
  const segments = new Intl.Segmenter('en', { granularity: 'sentence' }).segment(
    pages.join(' ').replace(/\s+/g, ' '),
  );
  return [...segments].map(({ segment }) => segment).filter(({ length }) => length > 20 && length < 500);
}

function makeChunk(sentences: readonly string[], random: () => number): string {
  const one = (list: readonly string[]) => list[Math.floor(random() * list.length)] as string;
  let text = '';
  while (text.length < 1000) text += one(sentences);
  if (random() < 0.1) text += one(FOREIGN);
  if (random() < 0.25) text += ` bug${Math.floor(random() * 20_000)}`;
  return text.slice(-1200);
}

const FOREIGN = [
  '系统部署失败了，我们需要重新开始工作。',
  '软件包管理系统可以安装和升级软件。',
  'データベースに接続できません。設定を確認してください。',
  '新しいパッケージをインストールする方法を説明します。',
];

/** A linear congruential generator (Numerical Recipes). */
function randomNumbers(): () => number {
  let seed = 7;
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}

const FILL = `
with document as (
  insert into documents (title, media_type, bytes, sha256) values ($1, 'text/plain', 1, $1) returning id
), parsed as (
  insert into parsed_documents (document_id, status, chunks, embedding_status, embedding_model, embedding_dimension)
  select id, 'ready', cardinality($2::text[]), 'done', $4, 384 from document
), chunks as (
  insert into document_chunks (document_id, chunk, page, start_offset, end_offset, text, words)
  select id, number - 1, 1, 0, length(text), text, to_tsvector('english', words)
  from document, unnest($2::text[], $3::text[]) with ordinality as made (text, words, number)
  order by number
  returning id, chunk
)
insert into document_embeddings (chunk_id, model, dimension, embedding, signs)
select id, $4, 384, ($5::text[])[chunk + 1]::real[], ($6::text[])[chunk + 1]::bit varying
from chunks`;
