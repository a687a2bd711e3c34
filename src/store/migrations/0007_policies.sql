-- Up Migration

-- Delivery policies (src/contract/delivery-policy.ts); null where a level decides nothing.
ALTER TABLE accounts ADD COLUMN policy jsonb;
ALTER TABLE subscriptions ADD COLUMN policy jsonb;
ALTER TABLE event_types ADD COLUMN policy jsonb;
