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
  const rows = [HEAD, ...tasks.map(rowOf)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  if (tasks.length < total) lines.push(`${tasks.length} of ${total}`);
  return lines.join('\n');
}

function rowOf(task: ListedTask): string[] {
  return [
    task.id.slice(task.id.lastIndexOf('-') + 1),
    task.type,
    task.status,
    String(task.attempt),
    task.created_at.replace('T', ' ').replace(/\.\d+Z$/, 'Z'),
    remarkOf(task),
  ];
}

/** How far it is, or what went wrong, on one line and without what would move a terminal's cursor. */
function remarkOf({ progress, error, status }: ListedTask): string {
  const { fraction, message } = progress ?? { fraction: 0, message: null };
  const done = `${Math.round(fraction * 100)} %${message === null ? '' : ` ${message}`}`;
  const remark = status === 'running' && progress !== null ? done : (error ?? '');
  const printable = remark.replace(/\p{Cc}+/gu, ' ');
  return printable.length > MOST_CHARACTERS ? `${printable.slice(0, MOST_CHARACTERS - 1)}…` : printable;
}
