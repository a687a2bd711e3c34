-- Up Migration
-- Links of the customer portal are sessions too, each of one account.
ALTER TABLE sessions
  -- 'dashboard' or 'portal'.
  ADD COLUMN kind          text NOT NULL DEFAULT 'dashboard',
  -- What a portal link may do besides reading.
  ADD COLUMN capabilities  text[] NOT NULL DEFAULT '{}',
  -- Event types with one of these flags are shown; null for the flags of the account.
  ADD COLUMN feature_flags text[],
  -- A name by which a provider's API ends several links.
  ADD COLUMN group_name    text,
  ADD CHECK (kind = 'dashboard' OR (kind = 'portal' AND account_id IS NOT NULL));
CREATE INDEX sessions_of_portals ON sessions (account_id, id) WHERE kind = 'portal';
