-- LOSES DATA: chunks and embeddings of documents. Both can be made again, from the texts.

drop table document_embeddings;
drop table document_chunks;

alter table parsed_documents
  drop constraint parsed_documents_embedding_status_known,
  drop column chunks,
  drop column embedding_status,
  drop column embedding_model,
  drop column embedding_dimension,
  drop column embedding_error,
  drop column embedding_retry_at;
