-- LOSES DATA: who leads, and which processes the runners are; running ones write it anew.

drop table leadership;
alter table runners drop column process_space;
