-- Up Migration
-- The platform's own id of an account, its metadata, and whether it is a live or a test account.
ALTER TABLE accounts
  ADD COLUMN external_id text COLLATE "C",
  ADD COLUMN metadata    jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN environment text NOT NULL DEFAULT 'live' CHECK (environment IN ('live', 'test'));
-- Partial, so that the id of a deleted account can be used again.
CREATE UNIQUE INDEX accounts_by_external_id ON accounts (external_id)
  WHERE deleted_at IS NULL AND external_id IS NOT NULL;

-- What subscriptions that are polled have received: one row per event and subscription. Read in the sequence of `position`.
CREATE TABLE messages (
  subscription_id text COLLATE "C" NOT NULL,
  -- From 1, in the sequence of the commits (message_positions).
  position        bigint NOT NULL,
  event_id        text COLLATE "C" NOT NULL,
  body_variant    text NOT NULL,
  PRIMARY KEY (subscription_id, position, event_id)
) PARTITION BY RANGE (event_id);
CREATE INDEX messages_by_event ON messages (event_id);
CREATE TABLE messages_default PARTITION OF messages DEFAULT;

-- The last position of each subscription. A transaction that adds messages holds the lock of this row until its commit, so
-- a position is visible only when all lower ones are: a reader that continues after a position misses nothing.
CREATE TABLE message_positions (
  subscription_id text COLLATE "C" PRIMARY KEY,
  last_position   bigint NOT NULL
) WITH (fillfactor = 50);

-- How far the named consumers of a subscription have read.
CREATE TABLE consumers (
  subscription_id text COLLATE "C" NOT NULL,
  name            text NOT NULL,
  -- Everything up to this position is processed.
  position        bigint NOT NULL DEFAULT 0,
  polled_at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (subscription_id, name)
) WITH (fillfactor = 50);
