drop index facts_words;
drop index facts_searchable;
alter table facts drop column words, drop column searchable;

-- Somebody else may use it by now: then it stays.
do $$
begin
  drop extension pg_trgm;
exception when dependent_objects_still_exist or insufficient_privilege or undefined_object then
  raise notice 'the extension pg_trgm stays: %', sqlerrm;
end $$;
