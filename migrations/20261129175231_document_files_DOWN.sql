-- LOSES DATA: files that no document has claimed yet, and how senders said that text was encoded.

alter table documents drop column charset;

alter table document_pieces drop constraint document_pieces_file_id_document_files_id_fkey;
delete from document_pieces p
where exists (select from document_files f where f.id = p.file_id and f.document_id is null);
update document_pieces p set file_id = f.document_id
from document_files f
where f.id = p.file_id and f.document_id <> f.id;
alter table document_pieces rename column file_id to document_id;
alter table document_pieces add constraint document_pieces_document_id_documents_id_fkey
  foreign key (document_id) references documents (id) on delete cascade;

drop table document_files;
