-- What documents are found by: chunks of their texts, the words of these, and vectors.

alter table parsed_documents
  add column chunks integer,
  add column embedding_status text not null default 'none',
  add column embedding_model text,
  add column embedding_dimension integer,
  add column embedding_error text,
  add column embedding_retry_at timestamptz,
  add constraint parsed_documents_embedding_status_known
    check (embedding_status in ('none', 'pending', 'done', 'failed'));

create table document_chunks (
  id bigint generated always as identity,
  document_id uuid not null,
  chunk integer not null,
  page integer not null,
  start_offset integer not null,
  end_offset integer not null,
  text text not null,
  words tsvector not null,
  constraint document_chunks_pkey primary key (id),
  constraint document_chunks_document_id_chunk unique (document_id, chunk),
  constraint document_chunks_document_id_documents_id_fkey
    foreign key (document_id) references documents (id) on delete cascade
);

-- Text and words go beside the table wherever a row is large: what is left of 50,000 rows are 6 MB, and a search that
-- passes most of them by takes a fifth of the time. Words do not shrink by compression.
alter table document_chunks set (toast_tuple_target = 128);
alter table document_chunks alter column words set storage external;

-- See fact_search about the list of what waits to be indexed.
create index document_chunks_words on document_chunks using gin (words) with (gin_pending_list_limit = 256);

create table document_embeddings (
  chunk_id bigint not null,
  model text not null,
  dimension integer not null,
  embedding real[] not null,
  signs bit varying not null,
  constraint document_embeddings_pkey primary key (chunk_id),
  constraint document_embeddings_chunk_id_document_chunks_id_fkey
    foreign key (chunk_id) references document_chunks (id) on delete cascade
);

-- Searches without pgvector compare all signs. From this index 50,000 of 384 dimensions are read as 6 MB; the rows, with
-- their vectors, are 98.
create index document_embeddings_signs on document_embeddings (model, dimension) include (chunk_id, signs);
