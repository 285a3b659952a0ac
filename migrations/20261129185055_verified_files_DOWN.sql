-- LOSES DATA: the values of document_files.verified_at.

ALTER TABLE "document_files" DROP COLUMN "verified_at";
