/** What of a task its claim returns: the columns of CLAIMED, in their order, and of types with limits the keys. */
type ClaimedRow = readonly [
  id: string,
  type: string,
  params: string,
  claimToken: string,
  attempt: number,
  maxRetries: number,
  attemptsForgiven: number,
  createdAtMs: number,
  domain: string | null,
  description: string | null,
  timeoutSeconds: number | null,
  uniqueKey: string | null,
  hasDependencies: boolean,
  traceparent: string | null,
  priority: number,
  waitedMs: number,
  concurrencyKey?: string | null,
  rateKey?: string | null,
];

/**
 * A task that this runner holds until it is settled.
 *
 * A class, so that V8 finds the fields of all of them in the same places. It does not in the rows that pg makes: to look
 * for them there took a sixth of the main thread's time.
 */
export class ClaimedTask {
  readonly id: string;
  readonly type: string;
  /** JSON text: only the thread parses it. */
  readonly params: string;
  readonly claim_token: string;
  readonly attempt: number;
  readonly max_retries: number;
  readonly attempts_forgiven: number;
  readonly created_at_ms: number;
  readonly domain: string | null;
  readonly description: string | null;
  readonly timeout_seconds: number | null;
  readonly unique_key: string | null;
  readonly has_dependencies: boolean;
  /** The trace that its submission belongs to. */
  readonly traceparent: string | null;
  readonly priority: number;
  /** From when it was due until it was claimed, by the database's clock. */
  readonly waited_ms: number;
  /** What it counts as, see `LimitKeys`: null where nobody asked, because its type has no limits. */
  readonly concurrency_key: string | null;
  readonly rate_key: string | null;
  /** When its claim was sent, by `performance.now()`: the database's clock stops `waited_ms` there. */
  readonly claimed_at: number;

  constructor(row: ClaimedRow, claimedAt: number) {
    this.id = row[0];
    this.type = row[1];
    this.params = row[2];
    this.claim_token = row[3];
    this.attempt = row[4];
    this.max_retries = row[5];
    this.attempts_forgiven = row[6];
    this.created_at_ms = row[7];
    this.domain = row[8];
    this.description = row[9];
    this.timeout_seconds = row[10];
    this.unique_key = row[11];
    this.has_dependencies = row[12];
    this.traceparent = row[13];
    this.priority = row[14];
    this.waited_ms = row[15];
    this.concurrency_key = row[16] ?? null;
    this.rate_key = row[17] ?? null;
    this.claimed_at = claimedAt;
  }
}
