-- LOSES DATA: all documents, their files and their texts.

drop table parsed_documents;
drop table document_pieces;
drop table documents;
