drop table leadership;
alter table runners drop column process_space;
