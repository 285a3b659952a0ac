import type { Queryable } from '../../src/main/database/connect.ts';

/** Publishes what an upload submits, as a runner would. */
export async function publishDocumentTypes(database: Queryable): Promise<void> {
  await database.query(PUBLISH);
}

const PUBLISH = `
insert into task_types (name, kind, timeout_seconds, max_retries, retry, poll_interval_seconds)
select name, 'database', 180, 3, '{"strategy":"cooldown","seconds":1}', 5
from unnest(array['transcribe-document', 'chunk-document', 'embed-document']) as name
on conflict do nothing`;
