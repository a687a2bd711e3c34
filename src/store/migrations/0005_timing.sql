-- Up Migration
-- When deliveries are made: the times, key and priority of an event, and pauses of subscriptions and accounts.

ALTER TABLE deliveries
  -- No attempt is made before this time; null for none.
  ADD COLUMN deliver_at timestamptz,
  -- No attempt is made from this time on; null for never.
  ADD COLUMN expires_at timestamptz,
  -- A newer event of the account with the same key cancels the delivery while it waits.
  ADD COLUMN supersede_key text,
  -- 1 is high, 2 normal and 3 low (src/contract/timing.ts).
  ADD COLUMN priority smallint NOT NULL DEFAULT 2;

CREATE INDEX deliveries_superseding ON deliveries (subscription_id, supersede_key)
  WHERE supersede_key IS NOT NULL AND state IN ('pending', 'retrying', 'paused');
-- For resuming an account.
CREATE INDEX deliveries_paused_by_account ON deliveries (account_id, state_reason, id) WHERE state = 'paused';

ALTER TABLE subscriptions
  ADD COLUMN paused_at timestamptz,
  ADD COLUMN paused_reason text,
  -- Deliveries per second while what waited during a pause is sent; null at other times.
  ADD COLUMN resume_rate integer;
ALTER TABLE accounts
  ADD COLUMN paused_at timestamptz,
  ADD COLUMN paused_reason text,
  ADD COLUMN resume_rate integer;

-- For the sweep, which continues what was interrupted.
CREATE INDEX subscriptions_resuming ON subscriptions (id) WHERE resume_rate IS NOT NULL;
CREATE INDEX accounts_resuming ON accounts (id) WHERE resume_rate IS NOT NULL;

-- Events are fanned out differently during a pause. A trigger of its own, so that the list of columns of the other one
-- stays as it is; both renew the version once per transaction.
CREATE CONSTRAINT TRIGGER subscription_paused_version AFTER UPDATE OF paused_at ON subscriptions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION renew_account_version('account_id');
