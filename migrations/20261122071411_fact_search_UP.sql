-- What facts are searched by: their words, and any part of their text and metadata.
--
-- The table is locked while it is rewritten and its indexes are made. No release before this one keeps facts, so that
-- nobody waits, unless somebody filled the table by SQL: a million facts take a minute and a half.

-- Trigrams find the parts. Where PostgreSQL's contrib modules are installed, whoever may create things in the database
-- may create this extension, too. There is no doing without: no other index finds parts of words.
create extension if not exists pg_trgm;

-- Both columns in one statement: the table is rewritten once.
alter table facts
  add column words tsvector generated always as (to_tsvector('english', text)) stored,
  add column searchable text generated always as (lower(text || chr(10) || meta_data::text)) stored;

-- New entries wait in a list that every search reads through, until it is as long as this, in kilobytes. With the default
-- of 4096 a search among a million facts took up to 28 ms longer, and the insert that has to empty the list 1.5 s.
create index facts_words on facts using gin (words) with (gin_pending_list_limit = 256);
create index facts_searchable on facts using gin (searchable gin_trgm_ops) with (gin_pending_list_limit = 256);
