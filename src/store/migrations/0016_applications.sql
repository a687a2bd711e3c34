-- Up Migration
-- Accounts that another account has created through its provider's API, and what such an API keeps of an event.

ALTER TABLE accounts
  -- The account that has created it; null for those that an operator has created.
  ADD COLUMN parent_id text COLLATE "C" REFERENCES accounts (id),
  -- Its id in the provider's API, for look-ups below its parent; null without a parent.
  ADD COLUMN reference text COLLATE "C",
  -- A name given by its owner, unique below its parent.
  ADD COLUMN uid text COLLATE "C",
  -- Whether it gets the operational events of its parent and of the accounts below it.
  ADD COLUMN reports_parent boolean NOT NULL DEFAULT false,
  -- Null until it is edited through its provider's API.
  ADD COLUMN updated_at timestamptz;
CREATE INDEX accounts_by_parent ON accounts (parent_id, id) WHERE parent_id IS NOT NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX accounts_by_reference ON accounts (parent_id, reference) WHERE reference IS NOT NULL;
CREATE UNIQUE INDEX accounts_by_uid ON accounts (coalesce(parent_id, id), uid)
  WHERE uid IS NOT NULL AND deleted_at IS NULL;
-- At most one account below a parent gets operational events.
CREATE UNIQUE INDEX accounts_reporting ON accounts (parent_id) WHERE reports_parent AND deleted_at IS NULL;

ALTER TABLE events
  -- A name given by the sender; null for none.
  ADD COLUMN uid text,
  ADD COLUMN tags text[],
  -- Whether its payload is the whole body; null for no.
  ADD COLUMN verbatim boolean,
  -- For showing it: no attempt was made before this time.
  ADD COLUMN deliver_at timestamptz,
  -- When its content is erased, if that is before the end of its retention.
  ADD COLUMN content_until timestamptz;
CREATE INDEX events_by_uid ON events (account_id, uid) WHERE uid IS NOT NULL;
CREATE INDEX events_by_content_until ON events (account_id, content_until)
  WHERE content_until IS NOT NULL AND erased_at IS NULL;
