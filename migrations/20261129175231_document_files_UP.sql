-- A file is stored while it comes in, and claimed by its document in the end.

create table document_files (
  id uuid primary key default heddle_uuid_v7(),
  document_id uuid,
  created_at timestamptz default now() not null
);

-- The files there are keep their pieces: theirs is the id of their document.
insert into document_files (id, document_id, created_at) select id, id, created_at from documents;

create unique index document_files_document on document_files (document_id);
create index document_files_unclaimed on document_files (created_at) where document_id is null;
alter table document_files add constraint document_files_document_id_documents_id_fkey
  foreign key (document_id) references documents (id) on delete cascade;

alter table document_pieces drop constraint document_pieces_document_id_documents_id_fkey;
alter table document_pieces rename column document_id to file_id;
alter table document_pieces add constraint document_pieces_file_id_document_files_id_fkey
  foreign key (file_id) references document_files (id) on delete cascade;

alter table documents add column charset text;
