-- Up Migration
-- What is remembered of a subscription while every attempt fails (src/contract/failing.ts); null while it is well.

ALTER TABLE subscriptions ADD COLUMN failing jsonb;

ALTER TABLE accounts
  -- Whether operational events are emitted to this account.
  ADD COLUMN receives_operations boolean NOT NULL DEFAULT false,
  -- Hours of failure that disable a subscription where the contract says nothing; null for never.
  ADD COLUMN disable_after_hours integer;

-- Facts that wait to be emitted, written together with what they tell of.
CREATE TABLE operational_events (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  type            text NOT NULL,
  subscription_id text COLLATE "C" NOT NULL,
  facts           jsonb NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now()
);
