-- Up Migration
-- An event that was addressed to one subscription, such as a test, is no other subscription's business: recovery does
-- not deliver it to those that lack it.

ALTER TABLE events ADD COLUMN addressed boolean NOT NULL DEFAULT false;
CREATE INDEX events_by_account ON events (account_id, id);
