import type { KeptChange } from './history.ts';
import { STATUSES } from './task.ts';

/**
 * How much of a task's story somebody has been told, in terms of what the database keeps: whoever knows a position can
 * be told the rest, by any process.
 */
export interface Position {
  /** The latest change by hand. */
  hand: bigint;
  /** The claim token of the latest attempt whose start, and of the latest whose end, was told. */
  started: bigint;
  ended: bigint;
  /** The latest log line. */
  line: bigint;
  /** Which progress, or empty. */
  progress: string;
  /** The status as it was told. */
  status: string;
  /** That the task has finished was told, too. */
  isEnd: boolean;
}

/** Nothing was told: not even that there is a task. */
export const BEGINNING: Position = {
  hand: 0n,
  started: 0n,
  ended: 0n,
  line: 0n,
  progress: '',
  status: '',
  isEnd: false,
};

/** What `positionText` makes. Its numbers are none that PostgreSQL's bigint could not hold. */
export const POSITION_TEXT = new RegExp(
  `^(\\d{1,18})\\.(\\d{1,18})\\.(\\d{1,18})\\.(\\d{1,18})\\.([\\w-]{0,8})\\.(${STATUSES.join('|')})(\\.end)?$`,
);

/** A position as text without spaces. */
export function positionText({ hand, started, ended, line, progress, status, isEnd }: Position): string {
  return [hand, started, ended, line, progress, status, ...(isEnd ? ['end'] : [])].join('.');
}

/** The position that a text means, or undefined when it means none. */
export function readPosition(text: string): Position | undefined {
  const [, hand = '', started = '', ended = '', line = '', progress = '', status = '', end] =
    POSITION_TEXT.exec(text) ?? [];
  if (status === '') return undefined;
  return {
    hand: BigInt(hand),
    started: BigInt(started),
    ended: BigInt(ended),
    line: BigInt(line),
    progress,
    status,
    isEnd: end !== undefined,
  };
}

/** Whether a state change comes before this position. */
export function isTold({ kept }: KeptChange, position: Position): boolean {
  switch (kept.by) {
    case 'submission':
      return position.status !== '';
    case 'hand':
      return kept.id <= position.hand;
    case 'start':
      return kept.token <= position.started;
    case 'end':
      return kept.token <= position.ended;
  }
}

/** The position right after a state change. */
export function afterChange(position: Position, { kept, to }: KeptChange): Position {
  const after = { ...position, status: to };
  switch (kept.by) {
    case 'submission':
      return after;
    case 'hand':
      return { ...after, hand: kept.id };
    case 'start':
      return { ...after, started: kept.token };
    case 'end':
      return { ...after, ended: kept.token };
  }
}
