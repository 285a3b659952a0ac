import { alignColumns, printable, readableTime } from './table.ts';

/** What of a task a line shows. */
interface ListedTask {
  id: string;
  type: string;
  status: string;
  attempt: number;
  created_at: string;
  error: string | null;
  progress: { fraction: number; message: string | null } | null;
}

const HEAD = ['ID', 'TYPE', 'STATUS', 'ATTEMPT', 'CREATED', ''];
const MOST_CHARACTERS = 60;

/** Tasks as a table, ids by their ending: their beginnings look alike, and an ending will do wherever one is asked for. */
export function tableOf(tasks: readonly ListedTask[], total: number): string {
  if (tasks.length === 0) return 'no tasks';
  const lines = alignColumns([HEAD, ...tasks.map(rowOf)]);
  if (tasks.length < total) lines.push(`${tasks.length} of ${total}`);
  return lines.join('\n');
}

function rowOf(task: ListedTask): string[] {
  return [
    task.id.slice(task.id.lastIndexOf('-') + 1),
    task.type,
    task.status,
    String(task.attempt),
    readableTime(task.created_at),
    printable(remarkOf(task), MOST_CHARACTERS),
  ];
}

/** How far it is, or what went wrong. */
function remarkOf({ progress, error, status }: ListedTask): string {
  const { fraction, message } = progress ?? { fraction: 0, message: null };
  const done = `${Math.round(fraction * 100)} %${message === null ? '' : ` ${message}`}`;
  return status === 'running' && progress !== null ? done : (error ?? '');
}
