-- The trace that a task belongs to, how long each type's tasks are kept, and when autovacuum looks at these tables.

-- Without defaults, so that neither table is rewritten.
alter table tasks add column traceparent text;
alter table task_types
  add column retention_completed_days double precision,
  add column retention_failed_days double precision;

-- A submission of very many tasks leaves nothing dead behind, but pages that index-only scans (counts) have to look
-- into, and rows that have to be frozen at some time: better in portions than a whole table at once.
--
-- The default limit of 200 lets a vacuum rest so often that dead rows of a busy queue come faster than it goes; what
-- then slows down claims is dead rows, not waiting tasks.
--
-- No fillfactor: an update can stay on its page without new index entries only when no column of any index changes, a
-- partial index's condition included, and claims and settles both change the status. Free room would buy nothing.
alter table tasks set (
  autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_insert_threshold = 10000,
  autovacuum_vacuum_cost_limit = 1000
);

-- These are written once and read seldom, until pruning deletes a thousand tasks' worth at a time.
alter table task_attempts set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
alter table task_logs set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
alter table task_events set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
