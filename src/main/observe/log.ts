import { type DestinationStream, type Level, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import { redact } from '../../workers/shared/redact.ts';
import type { HeddleEvent, Observe } from './events.ts';
import { logOutput } from './log-output.ts';
import { countRepeated } from './repeated.ts';

/** The process's log, and the stream it goes to, for lines that are JSON already. */
export interface Log {
  logger: Logger;
  stream: DestinationStream;
}

/**
 * JSON lines on standard output, or readable ones on a terminal, without credentials.
 * @param level a pino level, or `silent`
 */
export function createLog(level: string, stream: DestinationStream = standardOutput()): Log {
  return { logger: pino({ level, base: {}, hooks: { streamWrite: redact } }, stream), stream };
}

/** Makes log lines of events. The only place that knows which event deserves which level and words. */
export function logEvents(log: Logger): Observe {
  return countRepeated((event) => {
    const { level, message } = LINES[event.event];
    if (log.isLevelEnabled(level))
      log[level](event, typeof message === 'string' ? message : message(event as never));
  });
}

function standardOutput(): DestinationStream {
  return process.stdout.isTTY
    ? pretty({ colorize: true, ignore: 'pid,hostname,event', translateTime: 'HH:MM:ss.l', sync: true })
    : logOutput(1);
}

function times({ repeated }: { repeated?: number }): string {
  return repeated === undefined ? '' : `, ${repeated} more times`;
}

type Named<E extends HeddleEvent['event']> = Extract<HeddleEvent, { event: E }>;
type Line<E extends HeddleEvent['event']> = { level: Level; message: string | ((event: Named<E>) => string) };

/** The level and the words of every event. */
export const LINES: { [E in HeddleEvent['event']]: Line<E> } = {
  embedded_database_started: {
    level: 'info',
    message: (e) =>
      e.adopted
        ? `embedded PostgreSQL in ${e.data_dir} was still up and is used again`
        : `embedded PostgreSQL is up in ${e.data_dir}`,
  },
  api_listening: { level: 'info', message: (e) => `the API listens on ${e.url}` },
  api_waiting: { level: 'warn', message: (e) => `the API answers 503 for now: ${e.reason}` },
  api_ready: { level: 'info', message: 'the API is ready' },
  api_draining: {
    level: 'info',
    message: (e) => `the API stops in ${e.seconds} s; until then only its health says so`,
  },
  runner_started: {
    level: 'info',
    message: (e) => `the runner is ready: ${e.threads} threads, ${e.task_types.length} task types`,
  },
  runner_listening: { level: 'info', message: (e) => `the runner's health and metrics are on ${e.url}` },
  runner_port_unavailable: {
    level: 'warn',
    message: (e) => `the runner's own health and metrics cannot be asked for (set RUNNER_PORT): ${e.reason}`,
  },
  runner_standby: { level: 'info', message: (e) => `standing by: ${e.reason}` },
  leader_elected: { level: 'info', message: 'this runner leads' },
  lease_lost: {
    level: 'error',
    message: (e) =>
      `this runner has lost its lease, ends the ${e.running} attempts it runs, and starts anew: ${e.reason}`,
  },
  runner_degraded: {
    level: 'error',
    message: (e) => `this runner stops, to be started again: ${e.reason}`,
  },
  runner_lost: { level: 'warn', message: (e) => `runner ${e.runner_id} is dead: ${e.reason}` },
  stopping: { level: 'info', message: (e) => `stopping (${e.stage}), ${e.running} attempts running` },
  stopped: { level: 'info', message: (e) => `stopped after ${Math.round(e.took_ms)} ms` },
  runner_died: {
    level: 'error',
    message: (e) => `the runner died and starts again in ${e.restart_in_ms} ms`,
  },

  task_file_rejected: { level: 'error', message: (e) => `${e.file} is left out: ${e.reason}` },
  task_type_warning: { level: 'warn', message: (e) => `${e.task_type}: ${e.reason}` },
  task_types_published: { level: 'info', message: (e) => `task types: ${e.task_types.join(', ') || 'none'}` },

  tasks_submitted: { level: 'debug', message: (e) => `accepted ${e.count}` },
  tasks_claimed: { level: 'debug', message: (e) => `claimed ${e.count}` },
  attempt_ended: { level: 'debug', message: (e) => `${e.task_type} ${e.outcome}` },
  stale_settle: { level: 'warn', message: 'a stale attempt was not settled: the task had been claimed anew' },
  settle_postponed: {
    level: 'warn',
    message: (e) => `the outcome of a ${e.task_type} cannot be written yet: ${e.reason}`,
  },
  task_rescued: { level: 'warn', message: (e) => `${e.task_type} was rescued from a dead runner` },

  thread_started: { level: 'debug', message: (e) => `thread ${e.thread_id} is up` },
  thread_killed: { level: 'warn', message: (e) => `thread ${e.thread_id} was killed: ${e.reason}` },
  thread_died: { level: 'warn', message: (e) => `thread ${e.thread_id} died: ${e.reason}` },
  thread_dirty: {
    level: 'warn',
    message: (e) => `thread ${e.thread_id} is replaced: ${e.task_type ?? 'a module'} left ${e.reason}`,
  },
  keying_failed: {
    level: 'warn',
    message: (e) => `the keys of ${e.tasks} tasks of ${e.task_type} were not computed: ${e.reason}`,
  },
  thread_stuck: {
    level: 'error',
    message: (e) => `thread ${e.thread_id} does not die, ${e.for_ms} ms after its kill`,
  },
  thread_boot_failed: { level: 'error', message: (e) => `a thread did not come up: ${e.reason}` },
  memory_exceeded: {
    level: 'error',
    message: (e) =>
      `the process has ${e.rss_mb} MB of the ${e.limit_mb} it may have: ${
        e.thread_id === null
          ? 'no thread is known to hold them'
          : `thread ${e.thread_id} (${e.task_type ?? 'idle'}) holds ${e.held_mb} MB and is replaced`
      }`,
  },
  backends_terminated: {
    level: 'info',
    message: (e) =>
      `ended ${e.count} database backends of ${e.runner_id === undefined ? 'a killed attempt' : 'a dead runner'}`,
  },

  tick_submitted: { level: 'debug', message: (e) => `${e.task_type} is due` },
  tick_skipped: { level: 'warn', message: (e) => `${e.task_type} skips ${e.slot}: ${e.reason}` },
  heartbeat: {
    level: 'info',
    message: (e) =>
      'task_type' in e
        ? `${e.emoji ? `${e.emoji} ` : ''}${e.task_type}: ${e.runs} runs, ${e.failures} failures, next ${e.next_run_at ?? 'paused'}`
        : `${e.threads_busy} of ${e.threads} threads busy, ${e.ready} ready, ${e.claimed} claimed, ${e.settled} settled, ${e.stale_settles} stale`,
  },
  pruned: { level: 'info', message: (e) => `pruned ${e.tasks} finished tasks` },

  migration_applied: { level: 'info', message: (e) => `applied ${e.id}` },
  migration_rolled_back: { level: 'info', message: (e) => `rolled back ${e.id}` },
  migration_retried: { level: 'warn', message: (e) => `trying ${e.id} again: ${e.reason}` },
  migration_waiting: { level: 'info', message: (e) => `waiting to migrate: ${e.reason}` },
  migration_not_parsed: {
    level: 'info',
    message: (e) => `${e.file} is too large to be parsed: it is sent whole`,
  },
  migrations_newer: {
    level: 'warn',
    message: (e) => `a newer release has migrated this database: ${e.ids.join(', ')}`,
  },
  database_error: {
    level: 'warn',
    message: (e) => `database: ${e.during}: ${e.message}${times(e)}`,
  },
  listening: { level: 'debug', message: 'listening for notifications' },
  listen_lost: { level: 'warn', message: (e) => `notifications are lost, polling goes on: ${e.message}` },

  embeddings_away: {
    level: 'warn',
    message: (e) => `documents are found by their words only for the next seconds: ${e.reason}`,
  },
  vector_index_made: {
    level: 'info',
    message: (e) => `made an index of the embeddings of ${e.model} after ${Math.round(e.took_ms / 1000)} s`,
  },
  vector_index_dropped: { level: 'info', message: (e) => `dropped ${e.index}, which is of no use` },
  vectors_without_extension: {
    level: 'info',
    message: (e) => `embeddings are compared in SQL, without pgvector: ${e.reason}`,
  },
  weak_token: {
    level: 'warn',
    message: (e) =>
      `the token of '${e.name}' in API_TOKENS has fewer than 16 characters: it could be guessed`,
  },
  address_shut_out: {
    level: 'warn',
    message: (e) => `${e.address} is shut out for a minute: ${e.failures} requests without a right token`,
  },
  connection_refused: {
    level: 'warn',
    message: (e) => `a connection was refused: ${e.limit} are open (MAX_CONNECTIONS)${times(e)}`,
  },
  stream_refused: {
    level: 'warn',
    message: (e) => `a stream was refused: ${e.limit} are open (MAX_STREAMS)${times(e)}`,
  },
  upload_refused: {
    level: 'warn',
    message: (e) => `an upload was refused: ${e.limit} come in (MAX_UPLOADS)${times(e)}`,
  },
  request_failed: { level: 'error', message: (e) => `${e.method} ${e.path} failed: ${e.message}` },
};
