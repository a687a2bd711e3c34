-- Up Migration
-- Broadcasts: one event for all accounts of a provider.

CREATE TABLE broadcasts (
  id            text COLLATE "C" PRIMARY KEY,
  provider      text NOT NULL,
  type          text NOT NULL,
  occurred_at   timestamptz NOT NULL,
  channels      text[] NOT NULL,
  -- The payload, encrypted; removed at the end, as each event has it.
  payload       bytea,
  -- Which accounts: all of the provider where null and {}.
  environment   text,
  metadata      jsonb NOT NULL DEFAULT '{}',
  -- Accounts per second.
  rate          integer NOT NULL,
  state         text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'paused', 'completed', 'cancelled')),
  -- Accounts when it was created.
  total         integer NOT NULL,
  -- The last account that was processed. It is changed in the transaction that writes the events, so each account gets
  -- the event once.
  after_account text COLLATE "C" NOT NULL DEFAULT '',
  emitted       integer NOT NULL DEFAULT 0,
  skipped       integer NOT NULL DEFAULT 0,
  deliveries    integer NOT NULL DEFAULT 0,
  created_at    timestamptz NOT NULL DEFAULT now(),
  ended_at      timestamptz
);
-- For the sweep, which starts workflows that were lost.
CREATE INDEX broadcasts_running ON broadcasts (id) WHERE state = 'running';
