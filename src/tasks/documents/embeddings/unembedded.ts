import type { Pool } from 'pg';

/**
 * Documents that ought to have embeddings of this model, and for which no task is under way.
 * @param upSeconds how long this runner is up
 * @param most so many tasks may be under way, those that are there already included
 */
export async function unembeddedDocuments(
  database: Pool,
  model: string,
  upSeconds: number,
  most: number,
): Promise<string[]> {
  const { rows } = await database.query<{ id: string }>(UNEMBEDDED, [model, upSeconds, most]);
  return rows.map(({ id }) => id);
}

/** Says that a task makes a document's embeddings: it ends with the document, and its error is told there. */
export async function noteTask(database: Pool, id: string, taskId: string): Promise<void> {
  await database.query(NOTE_TASK, [id, taskId]);
}

/**
 * Of another model, or of none, before there was one; left behind by a task that was killed for good or cancelled;
 * failed, when it is time to try again. What has failed for good is tried once more after a runner's start: so its
 * configuration is changed.
 */
const UNEMBEDDED = `
with under_way as (
  select params ->> 'document_id' as id
  from tasks
  where type = 'embed-document' and status in ('created', 'queued', 'running')
)
select document_id as id
from parsed_documents
where chunks > 0 and status in ('embedding', 'ready')
  and (embedding_model is distinct from $1 or case embedding_status
    when 'done' then false
    when 'failed' then embedding_retry_at <= now() or updated_at < now() - make_interval(secs => $2)
    else true end)
  and not exists (select from under_way where under_way.id = document_id::text)
order by document_id
limit greatest(0, $3 - (select count(*) from under_way))`;

const NOTE_TASK = `
with noted as (
  update documents set task_ids = task_ids || $2::uuid where id = $1 and not $2::uuid = any(task_ids)
)
update parsed_documents set embedding_status = 'pending', updated_at = now() where document_id = $1`;
