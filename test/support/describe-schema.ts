import type { Queryable } from '../../src/main/database/connect.ts';

/** Everything that migrations make, as text that is equal when the schema is. The ledger is left out. */
export async function describeSchema(database: Queryable): Promise<string[]> {
  const { rows } = await database.query<{ line: string }>(DESCRIBE);
  return rows.map((row) => row.line);
}

const DESCRIBE = `
  with own as (
    select * from pg_class
    where relnamespace = 'public'::regnamespace and relname not like 'ai\\_migrations%'
  )
  select line from (
    select format('%s %s %s', relkind, relname, reloptions) as line from own
    union all
    select format('%s.%s %s not null %s default %s identity %s', relname, attname, format_type(atttypid, atttypmod),
        attnotnull, pg_get_expr(adbin, adrelid), attidentity)
      from own join pg_attribute on attrelid = own.oid and attnum > 0 and not attisdropped
        left join pg_attrdef on adrelid = own.oid and adnum = attnum
    union all
    select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' invalid' end
      from pg_index join own on own.oid = indexrelid
    union all
    select format('%s: %s %s', relname, conname, pg_get_constraintdef(pg_constraint.oid))
      from pg_constraint join own on own.oid = conrelid
    union all
    select pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace
  ) lines order by line`;
