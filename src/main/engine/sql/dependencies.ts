/**
 * Part of a statement that finishes tasks: tells those that wait for them, in the same transaction, and all at once.
 * Costs nothing while nobody depends on them. Goes with RELEASED, which makes it run.
 * @param ended a relation of tasks: id, has_dependants
 * @param condition which of its rows are finished
 */
export function release(ended: string, condition: string): string {
  return `released as materialized (
  select heddle_release(array_agg(id)) from ${ended} where has_dependants and ${condition} having count(*) > 0
)`;
}

/** A condition, always true. Without one, the planner would leave out what nobody reads. */
export const RELEASED = '(select count(*) from released) >= 0';

/** $1 what new tasks are to wait for, as a JSON array. They were inserted as `created` by this very transaction. */
export const WAIT_FOR = `
update tasks t
set depends_on = w.depends_on, on_dependency_failure = w.on_dependency_failure, run_when_released = w.run_when_released
from jsonb_to_recordset($1::jsonb) as w(
  id uuid, depends_on uuid[], on_dependency_failure text, run_when_released bool)
where t.id = w.id`;

/** $1 the same tasks: from now on they wait. See the function, in the migration `dependencies`. */
export const DEPEND = 'select heddle_depend($1::uuid[])';

/** $1 the same tasks, as they are then: what they depend on may have ended already. */
export const DEPENDANTS = 'select * from tasks where id = any($1::uuid[])';

/** What of a task's dependencies is unfinished. @param task its id, in SQL */
export const unfinishedDependencies = (task: string): string => `
  select p.id, p.status
  from task_dependencies d join tasks p on p.id = d.depends_on
  where d.task_id = ${task} and p.status in ('created', 'queued', 'running')`;

/** $1 a task: what of its dependencies is unfinished. */
export const UNFINISHED_DEPENDENCIES = `${unfinishedDependencies('$1')} order by p.id`;

/**
 * $1 a task: what became of its dependencies, in the order of depends_on, as JSON text: only the thread parses it. One
 * that was deleted is `gone`.
 */
export const ENDED_DEPENDENCIES = `
select coalesce(jsonb_agg(jsonb_build_object(
  'id', d.id, 'type', p.type, 'status', coalesce(p.status, 'gone'), 'result', p.result, 'error', p.error
) order by d.position), '[]')::text as dependencies
from tasks t
cross join lateral unnest(t.depends_on) with ordinality as d(id, position)
left join tasks p on p.id = d.id
where t.id = $1`;
