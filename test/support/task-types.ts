import type { Queryable } from '../../src/main/database/connect.ts';

/**
 * Publishes task types as a runner would:
 * `greet` wants a text `name` and knows no other field; `anything` takes any params; `once` deduplicates by payload;
 * `tick` is periodic.
 */
export async function publishTaskTypes(database: Queryable): Promise<void> {
  await database.query(PUBLISH, [JSON.stringify(GREET_SCHEMA)]);
}

const GREET_SCHEMA = {
  type: 'object',
  properties: { name: { type: 'string', minLength: 1 }, 'a/b~c': { type: 'number' } },
  required: ['name'],
  additionalProperties: false,
};

const PUBLISH = `
with types as (
  insert into task_types (name, kind, description, emoji, payload_schema, timeout_seconds, max_retries, retry,
    poll_interval_seconds, deduplicate)
  values
    ('greet', 'database', 'Greets somebody', '👋', $1, 60, 3, '{"strategy":"cooldown","seconds":600}', 5, 'none'),
    ('anything', 'database', null, null, '{}', 300, 2,
      '{"strategy":"exponential","seconds":2,"factor":2,"maxSeconds":60,"jitter":true}', 5, 'none'),
    ('once', 'database', null, null, '{}', 300, 3, '{"strategy":"cooldown","seconds":600}', 5, 'payload'),
    ('tick', 'periodic', null, null, '{}', 20, 0, '{"strategy":"cooldown","seconds":0}', 5, 'none')
)
insert into periodic_tasks (name, schedule) values ('tick', 'every 30 seconds')`;
