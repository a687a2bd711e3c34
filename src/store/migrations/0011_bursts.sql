-- Up Migration
-- Under load a burst carries many deliveries together through their first attempts.

ALTER TABLE deliveries
  -- Whether its first attempt is left to a burst; otherwise it has a workflow of its own from the start.
  ADD COLUMN burst boolean NOT NULL DEFAULT false,
  -- The workflow id of the burst in which it was accepted; null where its own workflow knows how it ended.
  ADD COLUMN carrier text;

-- Which burst carries a delivery. The key makes two carriers of one delivery impossible; a row is gone once the delivery
-- is accepted or has a workflow of its own.
CREATE TABLE claims (
  delivery_id text COLLATE "C" PRIMARY KEY,
  -- The burst's workflow id.
  burst_id    text NOT NULL,
  claimed_at  timestamptz NOT NULL DEFAULT now()
  -- Rows come and go with every burst.
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
CREATE INDEX claims_by_age ON claims (claimed_at);

-- How many deliveries of an account are started in its turn, when those of several accounts wait.
ALTER TABLE accounts ADD COLUMN dispatch_weight integer NOT NULL DEFAULT 1;

-- Tells every process that keeps accounts and subscriptions in memory whose have changed. What is counted of a failing
-- subscription is nothing that anybody keeps.
CREATE FUNCTION tell_of_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('pigeonpost_accounts', to_jsonb(NEW) ->> TG_ARGV[0]);
  RETURN NULL;
END $$;
CREATE TRIGGER account_changed AFTER INSERT OR UPDATE ON accounts
  FOR EACH ROW EXECUTE FUNCTION tell_of_account('id');
CREATE TRIGGER subscription_added AFTER INSERT ON subscriptions
  FOR EACH ROW EXECUTE FUNCTION tell_of_account('account_id');
CREATE TRIGGER subscription_changed
  AFTER UPDATE OF url, event_types, enabled, options, limits, secrets, deleted_at ON subscriptions
  FOR EACH ROW EXECUTE FUNCTION tell_of_account('account_id');
