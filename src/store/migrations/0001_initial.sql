-- Up Migration
-- Ids are TypeIDs: text that sorts by time. The C collation compares bytes, which preserves that sort order.

CREATE TABLE accounts (
  id                          text COLLATE "C" PRIMARY KEY,
  provider                    text NOT NULL,
  name                        text NOT NULL,
  scope                       jsonb NOT NULL,
  settings                    jsonb NOT NULL,
  validate_payloads           boolean NOT NULL,
  secrets                     bytea NOT NULL,
  -- Whether operational events are emitted to this account.
  receives_operational_events boolean NOT NULL DEFAULT false,
  -- Hours of failure after which a subscription is disabled unless the contract has a rule; null for never.
  disable_after_hours         integer,
  -- Retention in days of events and deliveries; 0 keeps them indefinitely, null uses the installation's setting.
  retention_days              integer CHECK (retention_days >= 0),
  -- Deliveries of the account that are started per rotation when several accounts wait.
  dispatch_weight             integer NOT NULL DEFAULT 1,
  -- Null uses the installation's setting.
  max_subscriptions           integer CHECK (max_subscriptions >= 0),
  created_at                  timestamptz NOT NULL DEFAULT now(),
  deleted_at                  timestamptz
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
  -- Set by a trigger; null while the subscription is enabled.
  disabled_at     timestamptz,
  options         jsonb NOT NULL,
  secrets         bytea NOT NULL,
  -- Concurrent attempts and attempts per second, if the owner limits them.
  limits          jsonb NOT NULL DEFAULT '{}',
  -- State while every attempt fails (src/contract/failing.ts); null after an accepted attempt.
  failing         jsonb,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now(),
  deleted_at      timestamptz,
  UNIQUE (account_id, reference)
);
-- Partial, as deleted subscriptions stay as rows and counting and loading must not read them.
CREATE INDEX subscriptions_by_account ON subscriptions (account_id, id) WHERE deleted_at IS NULL;
-- A name given by the owner (Svix's uid) is unique within the account.
CREATE UNIQUE INDEX subscriptions_by_uid ON subscriptions (account_id, (options->>'uid'))
  WHERE deleted_at IS NULL AND options->>'uid' IS NOT NULL;
-- Subscriptions that were disabled because of their receiver, for the overview.
CREATE INDEX subscriptions_disabled ON subscriptions (account_id, disabled_at DESC)
  WHERE NOT enabled AND disabled_reason IS NOT NULL AND deleted_at IS NULL;

CREATE FUNCTION set_disabled_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.enabled THEN
    NEW.disabled_at := NULL;
  ELSIF NEW.disabled_at IS NULL THEN
    NEW.disabled_at := now();
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER subscription_disabled BEFORE INSERT OR UPDATE OF enabled ON subscriptions
  FOR EACH ROW EXECUTE FUNCTION set_disabled_at();

-- The version of an account and its subscriptions, which events are selected and rendered with.
-- Processes cache both; the statement that writes events compares versions, so that an outdated cache writes nothing.
-- Versions are random, not counted, so that none is reused after a backup is restored.
CREATE TABLE account_versions (
  account_id text COLLATE "C" PRIMARY KEY REFERENCES accounts (id),
  version    uuid NOT NULL DEFAULT gen_random_uuid()
) WITH (fillfactor = 50);

-- Once per transaction, independent of the number of changed rows.
CREATE FUNCTION renew_account_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO account_versions (account_id) VALUES (to_jsonb(NEW) ->> TG_ARGV[0])
  ON CONFLICT (account_id) DO UPDATE SET version = excluded.version
    WHERE account_versions.xmin <> pg_current_xact_id()::xid;
  RETURN NULL;
END $$;

-- Deferred to the commit: the version is the last row that a transaction locks, so that transactions that lock accounts
-- and subscriptions in a different sequence cannot deadlock on it. The column failing is not cached.
CREATE CONSTRAINT TRIGGER account_version AFTER INSERT OR UPDATE ON accounts
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION renew_account_version('id');
CREATE CONSTRAINT TRIGGER subscription_added_version AFTER INSERT ON subscriptions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION renew_account_version('account_id');
CREATE CONSTRAINT TRIGGER subscription_changed_version
  AFTER UPDATE OF url, event_types, description, enabled, options, limits, secrets, deleted_at ON subscriptions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION renew_account_version('account_id');

-- Tables that grow with every event are partitioned by time, so that expired data is dropped instead of deleted row by
-- row. Ids sort by time, so a time range is a range of ids, and a look-up by id reads one partition.
-- src/store/partitions.ts creates partitions ahead of time and drops them.

CREATE TABLE events (
  id          text COLLATE "C" PRIMARY KEY,
  account_id  text COLLATE "C" NOT NULL,
  type        text NOT NULL,
  occurred_at timestamptz NOT NULL,
  channels    text[] NOT NULL,
  data        text NOT NULL,
  -- Whether it was sent to chosen subscriptions, like a test event: a recovery of another one ignores it.
  addressed   boolean NOT NULL DEFAULT false,
  -- The trace in which the event was accepted (W3C Trace Context, version 00); null when nothing was traced.
  traceparent text,
  created_at  timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (id);
CREATE INDEX events_by_account ON events (account_id, id);

-- A body is rendered once, when its event is accepted, so that every attempt sends the same bytes after later edits.
-- Subscriptions with equal bodies share a variant.
CREATE TABLE event_bodies (
  event_id text COLLATE "C" NOT NULL,
  variant  text NOT NULL,
  body     text NOT NULL,
  PRIMARY KEY (event_id, variant)
) PARTITION BY RANGE (event_id);

CREATE TABLE deliveries (
  id                text COLLATE "C" PRIMARY KEY,
  event_id          text COLLATE "C" NOT NULL,
  account_id        text COLLATE "C" NOT NULL,
  subscription_id   text COLLATE "C" NOT NULL,
  provider          text NOT NULL,
  event_type        text NOT NULL,
  body_variant      text NOT NULL,
  state             text NOT NULL DEFAULT 'pending'
                    CHECK (state IN ('pending', 'retrying', 'paused', 'delivered', 'failed', 'cancelled')),
  -- Number of the last redelivery; 0 for the first delivery.
  run               integer NOT NULL DEFAULT 0,
  -- Attempts of all runs.
  attempts          integer NOT NULL DEFAULT 0,
  -- Whether a workflow owns this run; false from the commit until the workflow is known to exist.
  owned             boolean NOT NULL DEFAULT false,
  -- Whether a sender makes the first attempt; otherwise the delivery has its own workflow from the start.
  direct            boolean NOT NULL DEFAULT false,
  -- The sender that has claimed the delivery (src/store/direct/senders.ts). It stays when the first attempt was accepted.
  sender_id         text,
  -- The workflow run that recorded the last attempt.
  recorded_by       text,
  -- Start of the first attempt of this run; some contracts sign with it on every retry.
  first_attempt_at  timestamptz,
  -- Which wait of the schedule (from 0) follows the last recorded attempt of this run.
  schedule_position integer,
  next_attempt_at   timestamptz,
  last_status       integer,
  last_reason       text,
  state_reason      text,
  created_at        timestamptz NOT NULL DEFAULT now(),
  updated_at        timestamptz NOT NULL DEFAULT now(),
  settled_at        timestamptz
) PARTITION BY RANGE (id);
CREATE INDEX deliveries_by_account ON deliveries (account_id, id DESC);
CREATE INDEX deliveries_by_subscription ON deliveries (subscription_id, id DESC);
CREATE INDEX deliveries_by_event ON deliveries (event_id);
CREATE INDEX deliveries_ownerless ON deliveries (sender_id, updated_at) WHERE NOT owned AND state = 'pending';
-- Direct deliveries after a first attempt that was not accepted, whose workflow is not started yet.
CREATE INDEX deliveries_unstarted ON deliveries (sender_id, updated_at) WHERE NOT owned AND state <> 'pending';
CREATE INDEX deliveries_open ON deliveries (subscription_id, id) WHERE state IN ('pending', 'retrying', 'paused');
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE state = 'retrying';
-- For the sweep, besides overdue attempts: started deliveries without an attempt, and paused ones.
CREATE INDEX deliveries_started ON deliveries (coalesce(next_attempt_at, updated_at)) WHERE owned AND state = 'pending';
CREATE INDEX deliveries_paused ON deliveries (subscription_id, id) WHERE state = 'paused';
-- For searching deliveries that were not accepted, among many that were.
CREATE INDEX deliveries_unaccepted ON deliveries (subscription_id, state, id DESC) WHERE state IN ('failed', 'cancelled');
CREATE INDEX deliveries_unaccepted_by_account ON deliveries (state, account_id, id DESC)
  WHERE state IN ('failed', 'cancelled');
-- Recent changes, for the live feed. Almost every change of a delivery changes indexed columns anyway, so this costs one
-- more entry at the end of an index.
CREATE INDEX deliveries_changed ON deliveries (updated_at);

CREATE TABLE attempts (
  delivery_id        text COLLATE "C" NOT NULL,
  number             integer NOT NULL,
  run                integer NOT NULL,
  started_at         timestamptz NOT NULL,
  duration_ms        integer,
  -- Durations of its phases in milliseconds (src/egress/types.ts, Timings); null when nothing was sent or the attempt was
  -- interrupted.
  timings            jsonb,
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
) PARTITION BY RANGE (delivery_id);

-- Default partitions, so that no insert fails because a partition is missing.
CREATE TABLE events_default PARTITION OF events DEFAULT;
CREATE TABLE event_bodies_default PARTITION OF event_bodies DEFAULT;
CREATE TABLE deliveries_default PARTITION OF deliveries DEFAULT;
CREATE TABLE attempts_default PARTITION OF attempts DEFAULT;

-- The processes that make first attempts, each with a lease that it renews. When a lease expires, others take over its
-- deliveries.
CREATE TABLE senders (
  id         text COLLATE "C" PRIMARY KEY,
  expires_at timestamptz NOT NULL
);

-- The attempts in flight of subscriptions with a limit. Rows are short-lived and worthless after a crash.
CREATE UNLOGGED TABLE attempt_permits (
  subscription_id text COLLATE "C" NOT NULL,
  -- From 1 to the limit.
  permit          integer NOT NULL,
  holder          text NOT NULL,
  -- After this time the permit is free again, as its holder may have died.
  expires_at      timestamptz NOT NULL,
  PRIMARY KEY (subscription_id, permit)
);

-- When the next attempt of a subscription with a rate may start.
CREATE UNLOGGED TABLE attempt_reservations (
  subscription_id text COLLATE "C" PRIMARY KEY,
  next_at         timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE idempotency_keys (
  account_id  text COLLATE "C" NOT NULL,
  key         text NOT NULL,
  -- SHA-256 of the request: the same key with another request is refused.
  fingerprint bytea NOT NULL,
  -- json stores the exact text: jsonb would reorder members, and rejects escapes of NUL and lone surrogates, which an
  -- error message may quote.
  response    json NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- Operational events that wait to be emitted, written in the transaction of the change that they report.
CREATE TABLE operational_events (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  type            text NOT NULL,
  subscription_id text COLLATE "C" NOT NULL,
  facts           jsonb NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now()
);

-- One row: when the last maintenance sweep was completed, for a metric.
CREATE TABLE last_sweep (
  singleton    boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  completed_at timestamptz NOT NULL
);
-- The time of the migration until the first sweep.
INSERT INTO last_sweep (completed_at) VALUES (now());
