-- When the bytes of a file were last found to be those that came in.
ALTER TABLE "document_files" ADD COLUMN "verified_at" timestamp with time zone;
