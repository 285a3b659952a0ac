import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Pairs that make a table with an index each. @returns their ids */
export async function writeSmallPairs(directory: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    const time = new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString().replaceAll(/\D/g, '').slice(0, 14);
    const id = `${time}_table_${n}`;
    const up = `create table t${n} (id bigint primary key, name text);\ncreate index t${n}_name on t${n} (name);\n`;
    await writePair(directory, id, up, `drop table t${n};\n`);
    ids.push(id);
  }
  return ids;
}

/** A pair whose UP is of so many megabytes. @returns how many statements that is */
export async function writeLargePair(directory: string, megabytes: number): Promise<number> {
  const lines = ['create table t (id int, name text);\n'];
  for (let size = 0; size < megabytes * 1_000_000; size += lines.at(-1)?.length ?? 0)
    lines.push(
      `insert into t values (${lines.length}, 'a text of some length that is number ${lines.length}');\n`,
    );
  await writePair(directory, '20260101000000_large', lines.join(''), 'drop table t;\n');
  return lines.length;
}

async function writePair(directory: string, id: string, up: string, down: string): Promise<void> {
  await writeFile(join(directory, `${id}_UP.sql`), up);
  await writeFile(join(directory, `${id}_DOWN.sql`), down);
}
