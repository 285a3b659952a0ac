-- LOSES DATA: which traces tasks belong to, and how long each type's tasks are kept (a runner publishes that again).

alter table task_events reset (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor);
alter table task_logs reset (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor);
alter table task_attempts reset (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor);

alter table tasks reset (
  autovacuum_vacuum_insert_scale_factor, autovacuum_vacuum_insert_threshold,
  autovacuum_vacuum_cost_limit
);

alter table task_types
  drop column retention_failed_days,
  drop column retention_completed_days;
alter table tasks drop column traceparent;
