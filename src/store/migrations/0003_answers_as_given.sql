-- Up Migration
-- json keeps an answer as it was given: jsonb would reorder its members, and cannot hold the escapes of NUL and of lone
-- surrogates, which a refusal may quote.

ALTER TABLE idempotency_keys ALTER COLUMN answer TYPE json;
