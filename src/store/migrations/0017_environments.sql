-- Up Migration
-- What belongs to an account and those below it: event types that it defines itself, and tasks that it has started.

CREATE TABLE account_event_types (
  account_id    text COLLATE "C" NOT NULL REFERENCES accounts (id),
  name          text COLLATE "C" NOT NULL,
  description   text NOT NULL,
  archived      boolean NOT NULL DEFAULT false,
  deprecated    boolean NOT NULL DEFAULT false,
  -- JSON Schemas by version, as they were written; null for none.
  schemas       json,
  group_name    text,
  feature_flags text[],
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account_id, name)
);

CREATE TABLE background_tasks (
  id              text COLLATE "C" PRIMARY KEY,
  -- The account whose key has started it.
  account_id      text COLLATE "C" NOT NULL REFERENCES accounts (id),
  task            text NOT NULL,
  -- The recovery that it is; its state is that of the task. Null for other tasks.
  recovery_id     text,
  status          text NOT NULL CHECK (status IN ('running', 'finished', 'failed')),
  data            jsonb NOT NULL DEFAULT '{}',
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX background_tasks_by_account ON background_tasks (account_id, id);
