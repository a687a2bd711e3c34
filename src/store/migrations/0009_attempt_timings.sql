-- Up Migration
-- How long the parts of an attempt took, in milliseconds (src/egress/types.ts, Timings); null where nothing was sent or
-- nobody lived to tell.

ALTER TABLE attempts ADD COLUMN timings jsonb;

-- What has changed lately, for whoever watches deliveries live. Almost every change of a delivery changes indexed
-- columns anyway, so this costs it one more entry at the right end of an index.
CREATE INDEX deliveries_changed ON deliveries (updated_at);
