-- LOSES DATA: all facts.

drop table facts;
