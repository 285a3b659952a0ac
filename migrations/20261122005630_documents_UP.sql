-- Stored files and what became of them.

create table documents (
  id uuid primary key default heddle_uuid_v7(),
  title text not null,
  media_type text not null,
  bytes bigint not null,
  sha256 text not null,
  task_ids uuid[] default '{}'::uuid[] not null,
  created_at timestamptz default now() not null
);
create unique index documents_sha256 on documents (sha256);

create table document_pieces (
  document_id uuid,
  piece integer,
  bytes bytea not null,
  constraint document_pieces_pkey primary key (document_id, piece),
  constraint document_pieces_document_id_documents_id_fkey foreign key (document_id)
    references documents (id) on delete cascade
);

create table parsed_documents (
  document_id uuid primary key,
  status text default 'queued' not null,
  text text,
  pages integer,
  characters integer,
  transcribed_by text,
  warnings jsonb default '[]' not null,
  error text,
  updated_at timestamptz default now() not null,
  constraint parsed_documents_status_known
    check (status in ('queued', 'transcribing', 'chunking', 'embedding', 'ready', 'failed')),
  constraint parsed_documents_document_id_documents_id_fkey foreign key (document_id)
    references documents (id) on delete cascade
);
