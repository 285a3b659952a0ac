/**
 * The one vocabulary of what happens. The engine says it here and nowhere else; `log.ts` makes log lines of it.
 * A field is named as in the API; durations end in their unit.
 */
export type HeddleEvent =
  // the process
  | { event: 'embedded_database_started'; data_dir: string; took_ms: number; cold: boolean; adopted: boolean }
  | { event: 'api_listening'; url: string }
  /** Told again when the reason changes. */
  | { event: 'api_waiting'; reason: string }
  | { event: 'api_ready' }
  | { event: 'api_draining'; seconds: number }
  | { event: 'runner_started'; runner_id: string; threads: number; task_types: string[] }
  | { event: 'runner_listening'; url: string }
  /** Beside an API: it goes on without. */
  | { event: 'runner_port_unavailable'; reason: string }
  | { event: 'runner_standby'; reason: string }
  | { event: 'leader_elected'; runner_id: string }
  | { event: 'lease_lost'; runner_id: string; reason: string; running: number }
  | { event: 'runner_degraded'; runner_id: string; reason: string }
  | { event: 'runner_lost'; runner_id: string; reason: string }
  | { event: 'stopping'; signal: string; stage: 'claims' | 'abort' | 'kill'; running: number }
  | { event: 'stopped'; took_ms: number }
  | { event: 'runner_died'; code: number | null; signal: string | null; restart_in_ms: number }
  // task types
  | { event: 'task_file_rejected'; file: string; reason: string }
  | { event: 'task_type_warning'; task_type: string; reason: string }
  | { event: 'task_types_published'; task_types: string[] }
  // a task
  | { event: 'tasks_submitted'; count: number; by_type: Record<string, number> }
  | { event: 'tasks_claimed'; count: number; by_type: Record<string, number> }
  | {
      event: 'attempt_ended';
      task_id: string;
      task_type: string;
      attempt: number;
      outcome: string;
      status: string;
      ran_ms: number;
      /** From when it was due until it began; null when that is not known, or it never did. */
      waited_ms: number | null;
      error?: string;
    }
  | { event: 'stale_settle'; task_id: string; claim_token: string }
  | { event: 'settle_postponed'; task_id: string; task_type: string; reason: string }
  | { event: 'task_rescued'; task_id: string; task_type: string; runner_id: string }
  // threads
  /** `replaces`: another one was there before. */
  | { event: 'thread_started'; thread_id: number; took_ms: number; replaces: boolean }
  | {
      event: 'thread_killed';
      thread_id: number;
      /** What it ran, if anything. */
      task_id: string | null;
      task_type: string | null;
      cause: KillCause;
      reason: string;
      exit_ms: number;
    }
  | { event: 'thread_died'; thread_id: number; task_id: string | null; reason: string }
  | {
      event: 'thread_dirty';
      thread_id: number;
      /** The task that left something behind, or null when a module did. */
      task_id: string | null;
      task_type: string | null;
      reason: string;
    }
  /** The thread that computed the keys of tasks died of it. */
  | { event: 'keying_failed'; task_type: string; tasks: number; reason: string }
  | {
      event: 'thread_stuck';
      thread_id: number;
      task_id: string | null;
      task_type: string | null;
      for_ms: number;
    }
  | { event: 'thread_boot_failed'; reason: string }
  | {
      event: 'memory_exceeded';
      rss_mb: number;
      limit_mb: number;
      /** The thread that is replaced, or null when none holds enough to be blamed. */
      thread_id: number | null;
      task_id: string | null;
      task_type: string | null;
      held_mb: number | null;
    }
  | { event: 'backends_terminated'; count: number; task_id?: string; runner_id?: string }
  // time
  | { event: 'tick_submitted'; task_type: string; slot: string }
  | { event: 'tick_skipped'; task_type: string; slot: string; reason: string }
  /** Of a periodic type. */
  | {
      event: 'heartbeat';
      task_type: string;
      emoji: string | null;
      runs: number;
      failures: number;
      next_run_at: string | null;
    }
  /** Of the runner. */
  | {
      event: 'heartbeat';
      threads_busy: number;
      threads: number;
      ready: number;
      claimed: number;
      settled: number;
      stale_settles: number;
    }
  | { event: 'pruned'; tasks: number }
  // the database
  | { event: 'migration_applied'; id: string; duration_ms: number }
  | { event: 'migration_rolled_back'; id: string; duration_ms: number }
  | { event: 'migration_retried'; id: string; reason: string }
  | { event: 'migration_waiting'; reason: string }
  | { event: 'migration_not_parsed'; file: string }
  | { event: 'migrations_newer'; ids: string[] }
  /** `repeated`: so many more of it came since it was told. */
  | { event: 'database_error'; during: string; message: string; code?: string | undefined; repeated?: number }
  | { event: 'listening' }
  | { event: 'listen_lost'; message: string }
  // documents
  /** Of a search: documents are found by their words meanwhile. */
  | { event: 'embeddings_away'; reason: string }
  | { event: 'vector_index_made'; model: string; dimension: number; took_ms: number }
  | { event: 'vector_index_dropped'; index: string }
  /** Without pgvector: vectors are compared in SQL. */
  | { event: 'vectors_without_extension'; reason: string }
  // HTTP
  | { event: 'weak_token'; name: string }
  /** The address as limits count it: of IPv6, the network. */
  | { event: 'address_shut_out'; address: string; failures: number }
  | { event: 'connection_refused'; limit: number; repeated?: number }
  | { event: 'stream_refused'; limit: number; repeated?: number }
  | { event: 'upload_refused'; limit: number; repeated?: number }
  | { event: 'request_failed'; method: string; path: string; request_id: string; message: string };

/** Why a thread is killed: a word for what `reason` says in a sentence. */
export type KillCause = 'timeout' | 'cancel' | 'stop' | 'lost' | 'memory' | 'left_behind';

/** Takes note of an event. Never throws, never waits. */
export type Observe = (event: HeddleEvent) => void;

/** Tells two of each event. */
export function tellBoth(one: Observe, other: Observe): Observe {
  return (event) => {
    one(event);
    other(event);
  };
}
