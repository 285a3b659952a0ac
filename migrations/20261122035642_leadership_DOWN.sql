drop table leadership;
