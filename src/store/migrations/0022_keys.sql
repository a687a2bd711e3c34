-- Up Migration
-- Keys of operators have no account. Former versions of Pigeonpost find no account for them and so reject them.
ALTER TABLE api_keys
  ALTER COLUMN account_id DROP NOT NULL,
  ADD COLUMN name         text,
  ADD COLUMN scopes       text[] NOT NULL DEFAULT '{admin}',
  ADD COLUMN expires_at   timestamptz,
  ADD COLUMN last_used_at timestamptz;
