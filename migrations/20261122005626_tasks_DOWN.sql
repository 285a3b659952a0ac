-- LOSES DATA: all tasks, finished or not, their attempts, events and logs, and the state of the schedules.

drop table runners;
drop table periodic_tasks;
drop table task_types;
drop table task_logs;
drop table task_events;
drop table task_attempts;
drop table tasks;
drop sequence claim_tokens;
