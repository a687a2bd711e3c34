-- Up Migration
-- Sessions of the dashboard.
CREATE TABLE sessions (
  id          text COLLATE "C" PRIMARY KEY,
  -- Of its token.
  hash        bytea NOT NULL UNIQUE,
  -- The key that it was made with, and ends with.
  key_id      text COLLATE "C" REFERENCES api_keys (id),
  -- Made with the admin key of the settings, and ends when that is another one: HMAC of the key with the token, which is
  -- not stored, so that nobody can guess the key from it.
  admin_proof bytea,
  -- Null for one of an operator.
  account_id  text COLLATE "C" REFERENCES accounts (id),
  scopes      text[] NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  expires_at  timestamptz NOT NULL,
  revoked_at  timestamptz,
  CHECK (num_nonnulls(key_id, admin_proof) = 1)
);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
