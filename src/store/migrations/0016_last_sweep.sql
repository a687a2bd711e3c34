-- Up Migration
-- When the maintenance sweep was last completed, in its only row, for the metric that says how long ago that was.

CREATE TABLE last_sweep (
  singleton    boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  completed_at timestamptz NOT NULL
);
-- Counted from the migration until there is a sweep.
INSERT INTO last_sweep (completed_at) VALUES (now());
