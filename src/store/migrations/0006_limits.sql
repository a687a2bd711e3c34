-- Up Migration
-- How many attempts of a subscription may be under way at once and begin per second, where its owner says so.

ALTER TABLE subscriptions ADD COLUMN limits jsonb NOT NULL DEFAULT '{}';

-- Who attempts what now. Rows come and go with every attempt of a limited subscription and mean nothing after a crash.
CREATE UNLOGGED TABLE attempt_slots (
  subscription_id text COLLATE "C" NOT NULL,
  -- From 1 to the limit.
  slot            integer NOT NULL,
  holder          text NOT NULL,
  -- A holder that died is not waited for longer than this.
  expires_at      timestamptz NOT NULL,
  PRIMARY KEY (subscription_id, slot)
);

-- When the next attempt of a subscription with a rate may begin.
CREATE UNLOGGED TABLE attempt_turns (
  subscription_id text COLLATE "C" PRIMARY KEY,
  next_at         timestamptz NOT NULL
) WITH (fillfactor = 50);
