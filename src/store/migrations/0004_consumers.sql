-- Up Migration
-- The platform's own id of an account, its metadata, and whether it is a live or a test account.
ALTER TABLE accounts
  ADD COLUMN external_id text COLLATE "C",
  ADD COLUMN metadata    jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN environment text NOT NULL DEFAULT 'live' CHECK (environment IN ('live', 'test'));
-- Partial, so that the id of a deleted account can be used again.
CREATE UNIQUE INDEX accounts_by_external_id ON accounts (external_id)
  WHERE deleted_at IS NULL AND external_id IS NOT NULL;
