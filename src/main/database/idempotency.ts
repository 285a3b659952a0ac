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

/** What became of a request. */
export interface Done {
  answer: KeptAnswer;
  /** It was carried out before: this is the answer that was kept. */
  replayed: boolean;
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
): Promise<Done> {
  const [done] = await onceEach(pool, [request], async (client) => [await work(client)]);
  if (done instanceof Error) throw done;
  return done as Done;
}

/**
 * The same for many requests in one transaction, which is committed once for all of them.
 * @param requests no two with the same id: the lock of one would let the other pass
 * @param work does those of them that have not been carried out yet, and returns their answers in their order
 * @returns for each what became of it, or the error that `once` would throw
 */
export function onceEach<Request extends KeyedRequest>(
  pool: pg.Pool,
  requests: readonly Request[],
  work: (client: pg.PoolClient, fresh: readonly Request[]) => Promise<readonly KeptAnswer[]>,
): Promise<(Done | KeyInProgressError | KeyReusedError)[]> {
  return onClient(pool, async (client) => {
    const found = await beginAndFind(client, requests);
    const fresh = requests.filter((_, index) => found[index] === undefined);
    const answers = fresh.length === 0 ? [] : await work(client, fresh);
    if (answers.length === 0) await client.query('rollback');
    else await keepAndCommit(client, fresh, answers);
    const made = answers.values();
    return found.map((known) => known ?? { answer: made.next().value as KeptAnswer, replayed: false });
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

/**
 * The locks first: the look-up is to see what whoever had them before has committed.
 * @returns of each request what is known of it; undefined when it is to be carried out
 */
async function beginAndFind(
  client: pg.PoolClient,
  requests: readonly KeyedRequest[],
): Promise<(Done | KeyInProgressError | KeyReusedError | undefined)[]> {
  await client.query('begin');
  const locks = await client.query<{ locked: boolean }>({
    name: 'lock-keys',
    text: LOCK,
    values: [requests.map(({ id }) => lockOf(id))],
  });
  const found = await client.query<FoundRow | NothingFound>({
    name: 'find-keys',
    text: FIND,
    values: [requests.map(({ id }) => id), requests.map(({ fingerprint }) => fingerprint)],
  });
  return found.rows.map((row, index) => {
    if (row.status !== null && !row.is_same) return new KeyReusedError();
    if (!locks.rows[index]?.locked || row.is_pending) return new KeyInProgressError();
    const { status, location, body } = row;
    return status === null ? undefined : { answer: { status, location, body }, replayed: true };
  });
}

interface FoundRow extends KeptAnswer {
  is_same: boolean;
  is_pending: boolean;
}

type NothingFound = { [Column in keyof FoundRow]: null };

async function keepAndCommit(
  client: pg.PoolClient,
  requests: readonly KeyedRequest[],
  answers: readonly KeptAnswer[],
): Promise<void> {
  const rows = requests.map(({ id, fingerprint, pendingSeconds }, index) => {
    return { id: hexOf(id), fingerprint: hexOf(fingerprint), pending: pendingSeconds, ...answers[index] };
  });
  await client.query({ name: 'keep-answers', text: KEEP, values: [JSON.stringify(rows)] });
  await client.query('commit');
}

/** Bytes, as PostgreSQL reads them. */
function hexOf(bytes: Buffer): string {
  return `\\x${bytes.toString('hex')}`;
}

/** Advisory locks are numbers of 64 bits, which JavaScript's are not. */
function lockOf(id: Buffer): string {
  return id.readBigInt64BE().toString();
}

/**
 * $1 numbers; answered in their order. For the transaction: they go with the process that has them, and a transaction
 * pooler keeps them apart.
 */
const LOCK = `
select pg_try_advisory_xact_lock(asked.lock) as locked
from unnest($1::bigint[]) with ordinality as asked(lock, position)
order by asked.position`;

/**
 * $1 the requests, $2 their fingerprints; a row for each, in their order. After the locks, as a statement of its own: so
 * it sees what those that had the locks before have committed. Key by key: joined otherwise, a plan that was made while
 * there were few keys would read all of them.
 */
const FIND = `
select k.status, k.location, k.body, k.fingerprint = asked.fingerprint as is_same, k.pending_until > now() as is_pending
from unnest($1::bytea[], $2::bytea[]) with ordinality as asked(id, fingerprint, position)
left join lateral (
  select * from idempotency_keys where id = asked.id and created_at > now() - ${KEPT} limit 1
) k on true
order by asked.position`;

/**
 * $1 the requests and their answers, as a JSON array: in arrays, pg would escape every quote of every answer by itself,
 * which takes twice as long. What is there already has expired: under the locks, nothing else was found.
 */
const KEEP = `
insert into idempotency_keys (id, fingerprint, status, location, body, pending_until)
select id, fingerprint, status, location, body, case when pending > 0 then now() + make_interval(secs => pending) end
from jsonb_to_recordset($1::jsonb) as kept(
  id bytea, fingerprint bytea, status int2, location text, body text, pending float8)
on conflict (id) do update set
  fingerprint = excluded.fingerprint, status = excluded.status, location = excluded.location, body = excluded.body,
  created_at = now(), pending_until = excluded.pending_until`;

const REPLACE = `
update idempotency_keys set status = $2, location = $3, body = $4, pending_until = null
where id = $1 and pending_until > now()`;
