-- Up Migration
-- Ids are TypeIDs: text that sorts by time. The C collation keeps that order and compares bytes.

CREATE TABLE accounts (
  id                text COLLATE "C" PRIMARY KEY,
  provider          text NOT NULL,
  name              text NOT NULL,
  scope             jsonb NOT NULL,
  settings          jsonb NOT NULL,
  validate_payloads boolean NOT NULL,
  secrets           bytea NOT NULL,
  created_at        timestamptz NOT NULL DEFAULT now(),
  deleted_at        timestamptz
);

CREATE TABLE api_keys (
  id         text COLLATE "C" PRIMARY KEY,
  account_id text COLLATE "C" NOT NULL REFERENCES accounts (id),
  hash       bytea NOT NULL UNIQUE,
  hint       text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz
);
CREATE INDEX api_keys_by_account ON api_keys (account_id);

CREATE SEQUENCE subscription_numbers;

CREATE TABLE subscriptions (
  id              text COLLATE "C" PRIMARY KEY,
  reference       text NOT NULL,
  account_id      text COLLATE "C" NOT NULL REFERENCES accounts (id),
  url             text NOT NULL,
  event_types     text[] NOT NULL,
  description     text,
  enabled         boolean NOT NULL,
  disabled_reason text,
  options         jsonb NOT NULL,
  secrets         bytea NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now(),
  deleted_at      timestamptz,
  UNIQUE (account_id, reference)
);

CREATE TABLE events (
  id          text COLLATE "C" PRIMARY KEY,
  account_id  text COLLATE "C" NOT NULL,
  type        text NOT NULL,
  occurred_at timestamptz NOT NULL,
  channels    text[] NOT NULL,
  data        text NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now()
);

-- A body is rendered once when its event is accepted, so that every attempt sends the same bytes whatever is edited
-- meanwhile. Subscriptions whose body is equal share a variant.
CREATE TABLE event_bodies (
  event_id text COLLATE "C" NOT NULL,
  variant  text NOT NULL,
  body     text NOT NULL,
  PRIMARY KEY (event_id, variant)
);

CREATE TABLE deliveries (
  id               text COLLATE "C" PRIMARY KEY,
  event_id         text COLLATE "C" NOT NULL,
  account_id       text COLLATE "C" NOT NULL,
  subscription_id  text COLLATE "C" NOT NULL,
  provider         text NOT NULL,
  event_type       text NOT NULL,
  body_variant     text NOT NULL,
  state            text NOT NULL DEFAULT 'pending'
                   CHECK (state IN ('pending', 'retrying', 'paused', 'delivered', 'failed', 'cancelled')),
  -- Counts redeliveries: 0 is the delivery itself.
  run              integer NOT NULL DEFAULT 0,
  -- Attempts of all runs.
  attempts         integer NOT NULL DEFAULT 0,
  -- Whether a workflow is known to own this run; false only between the commit and the workflow's first sign of life.
  owned            boolean NOT NULL DEFAULT false,
  -- The workflow run that recorded the last attempt.
  recorded_by      text,
  -- Start of the first attempt of this run; some contracts sign with it on every retry.
  first_attempt_at timestamptz,
  -- Which wait of the schedule (from 0) follows the last recorded attempt of this run.
  schedule_position integer,
  next_attempt_at  timestamptz,
  last_status      integer,
  last_reason      text,
  state_reason     text,
  created_at       timestamptz NOT NULL DEFAULT now(),
  updated_at       timestamptz NOT NULL DEFAULT now(),
  settled_at       timestamptz
);
CREATE INDEX deliveries_by_account ON deliveries (account_id, id DESC);
CREATE INDEX deliveries_by_subscription ON deliveries (subscription_id, id DESC);
CREATE INDEX deliveries_by_event ON deliveries (event_id);
CREATE INDEX deliveries_unowned ON deliveries (updated_at) WHERE NOT owned AND state = 'pending';
CREATE INDEX deliveries_open ON deliveries (subscription_id, id) WHERE state IN ('pending', 'retrying', 'paused');
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE state = 'retrying';

CREATE TABLE attempts (
  delivery_id        text COLLATE "C" NOT NULL,
  number             integer NOT NULL,
  run                integer NOT NULL,
  started_at         timestamptz NOT NULL,
  duration_ms        integer,
  outcome            text NOT NULL CHECK (outcome IN ('accepted', 'refused', 'failed', 'interrupted')),
  status             integer,
  reason             text,
  message            text,
  url                text,
  request_headers    jsonb,
  response_headers   jsonb,
  response_excerpt   text,
  response_truncated boolean,
  PRIMARY KEY (delivery_id, number)
);

CREATE TABLE idempotency_keys (
  account_id  text COLLATE "C" NOT NULL,
  key         text NOT NULL,
  -- SHA-256 of the request, so that the same key with another request is refused.
  fingerprint bytea NOT NULL,
  answer      jsonb NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
