import type pg from 'pg';
import { onClient } from './connect.ts';

/** An answer as it is kept, and given again byte for byte. */
export interface KeptAnswer {
  status: number;
  location: string | null;
  /** JSON */
  body: string;
}

/** A request that is to be carried out once. */
export interface KeyedRequest {
  /** SHA-256 of who asks, the route and the key. */
  id: Buffer;
  /** SHA-256 of the body. */
  fingerprint: Buffer;
  /** For how long after the commit its answer may still be changed by `replaceAnswer`, in seconds. */
  pendingSeconds: number;
}

/**
 * Does `work` and keeps its answer, in one transaction, or finds the answer that was kept. However often it is called,
 * by however many processes, and wherever they die: there is one effect, and one answer.
 * @param work uses the client it gets, and does not commit
 * @throws KeyInProgressError when another call with this key is under way
 * @throws KeyReusedError when the key was used with another body
 */
export async function once(
  pool: pg.Pool,
  request: KeyedRequest,
  work: (client: pg.PoolClient) => Promise<KeptAnswer>,
): Promise<{ answer: KeptAnswer; replayed: boolean }> {
  return onClient(pool, async (client) => {
    const kept = await beginAndFind(client, request);
    if (kept !== undefined) {
      await client.query('rollback');
      return { answer: kept, replayed: true };
    }
    const answer = await work(client);
    await keepAndCommit(client, request, answer);
    return { answer, replayed: false };
  });
}

/**
 * Gives a pending request its final answer.
 * @returns whether it did: when the time is over, somebody may have got the first one already
 */
export async function replaceAnswer(
  pool: pg.Pool,
  { id }: KeyedRequest,
  { status, location, body }: KeptAnswer,
): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'replace-answer',
    text: REPLACE,
    values: [id, status, location, body],
  });
  return rowCount === 1;
}

/** Another call with this key is under way, or its caller still waits for the task. */
export class KeyInProgressError extends Error {
  override name = 'KeyInProgressError';
}

/** The key was used with another body. */
export class KeyReusedError extends Error {
  override name = 'KeyReusedError';
}

/** How long a key is remembered. */
const KEPT = "interval '24 hours'";

/** The lock first: the look-up is to see what whoever had it before has committed. */
async function beginAndFind(
  client: pg.PoolClient,
  { id, fingerprint }: KeyedRequest,
): Promise<KeptAnswer | undefined> {
  await client.query('begin');
  const lock = await client.query<{ locked: boolean }>({
    name: 'lock-key',
    text: LOCK,
    values: [lockOf(id)],
  });
  const found = await client.query<FoundRow>({ name: 'find-key', text: FIND, values: [id, fingerprint] });
  const kept = found.rows[0];
  if (kept !== undefined && !kept.is_same) throw new KeyReusedError();
  if (!lock.rows[0]?.locked || kept?.is_pending) throw new KeyInProgressError();
  return kept;
}

interface FoundRow extends KeptAnswer {
  is_same: boolean;
  is_pending: boolean;
}

async function keepAndCommit(
  client: pg.PoolClient,
  { id, fingerprint, pendingSeconds }: KeyedRequest,
  { status, location, body }: KeptAnswer,
): Promise<void> {
  const values = [id, fingerprint, status, location, body, pendingSeconds];
  await client.query({ name: 'keep-answer', text: KEEP, values });
  await client.query('commit');
}

/** Advisory locks are numbers of 64 bits, which JavaScript's are not. */
function lockOf(id: Buffer): string {
  return id.readBigInt64BE().toString();
}

/** $1 a number. For the transaction: it goes with the process that has it, and a transaction pooler keeps it apart. */
const LOCK = 'select pg_try_advisory_xact_lock($1::bigint) as locked';

/**
 * $1 the request, $2 its fingerprint. After the lock, as a statement of its own: so it sees what the one that had the
 * lock before has committed.
 */
const FIND = `
select status, location, body, fingerprint = $2 as is_same, coalesce(pending_until > now(), false) as is_pending
from idempotency_keys
where id = $1 and created_at > now() - ${KEPT}`;

/** What is there already has expired: under the lock, nothing else was found. */
const KEEP = `
insert into idempotency_keys (id, fingerprint, status, location, body, pending_until)
values ($1, $2, $3, $4, $5, case when $6::float8 > 0 then now() + make_interval(secs => $6) end)
on conflict (id) do update set
  fingerprint = excluded.fingerprint, status = excluded.status, location = excluded.location, body = excluded.body,
  created_at = now(), pending_until = excluded.pending_until`;

const REPLACE = `
update idempotency_keys set status = $2, location = $3, body = $4, pending_until = null
where id = $1 and pending_until > now()`;
