-- Up Migration

-- Which events a subscription receives besides its event types: a filter (src/dispatch/payload/filter.ts) as JSON text,
-- and the JSONata expression that makes the payload of its bodies; null for none.
ALTER TABLE subscriptions ADD COLUMN filter text, ADD COLUMN transformation text;
CREATE CONSTRAINT TRIGGER subscription_filter_version AFTER UPDATE OF filter, transformation ON subscriptions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION renew_account_version('account_id');

-- Why a body could not be made; it is then empty and is not sent.
ALTER TABLE event_bodies ADD COLUMN error text;
