-- Up Migration
-- Sessions of people who have signed in with OpenID Connect. Former versions of Pigeonpost take them for sessions of the
-- admin key, with the scopes that are stored.
ALTER TABLE sessions
  -- The name or address of mail that the provider has of them.
  ADD COLUMN user_name   text,
  -- A hash of the settings that they have signed in with; the session ends when these are others.
  ADD COLUMN oidc_client text,
  DROP CONSTRAINT sessions_check,
  ADD CONSTRAINT sessions_check CHECK (num_nonnulls(key_id, admin_proof, oidc_client) = 1),
  ADD CONSTRAINT sessions_user_check CHECK ((user_name IS NULL) = (oidc_client IS NULL));
