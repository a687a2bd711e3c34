-- Up Migration
-- Jobs: one command for many deliveries, sent in the background at a rate.

CREATE TABLE jobs (
  id              text COLLATE "C" PRIMARY KEY,
  -- The account whose key started it; null for an operator.
  account_id      text COLLATE "C",
  action          text NOT NULL,
  -- Which deliveries, as in the type JobFilter.
  filter          jsonb NOT NULL,
  reason          text NOT NULL,
  rate_per_second integer NOT NULL,
  state           text NOT NULL DEFAULT 'running'
                  CHECK (state IN ('running', 'paused', 'completed', 'cancelled')),
  -- How many deliveries matched when it started; null until they are counted.
  total           integer,
  done            integer NOT NULL DEFAULT 0,
  skipped         integer NOT NULL DEFAULT 0,
  -- The last delivery that is counted in done or skipped.
  after_id        text COLLATE "C" NOT NULL DEFAULT '',
  created_at      timestamptz NOT NULL DEFAULT now(),
  ended_at        timestamptz
);
CREATE INDEX jobs_by_account ON jobs (account_id, id);
CREATE INDEX jobs_open ON jobs (id) WHERE state IN ('running', 'paused');
