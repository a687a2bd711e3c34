-- Up Migration
-- How many open deliveries the last sweep found without a running workflow that should have one, for a metric.
ALTER TABLE last_sweep ADD COLUMN unreconciled integer NOT NULL DEFAULT 0;
