-- LOSES DATA: the sessions, memories and metrics of all agents.

drop table ai_versions;
drop table ai_metrics;
drop table ai_memories;
drop table ai_sessions;
