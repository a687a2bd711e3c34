-- Up Migration
-- Erasure: payloads, bodies, and what attempts sent and received are removed before the end of their retention.

-- Null while the event has its payload.
ALTER TABLE events ADD COLUMN erased_at timestamptz;

-- What was erased on whose request; never deleted.
CREATE TABLE erasures (
  id         text COLLATE "C" PRIMARY KEY,
  account_id text COLLATE "C" NOT NULL,
  -- Null when the request was for the whole account.
  event_id   text COLLATE "C",
  reason     text NOT NULL,
  -- The role of the caller and the address of its request.
  erased_by  text NOT NULL,
  address    text,
  events     integer NOT NULL DEFAULT 0,
  deliveries integer NOT NULL DEFAULT 0,
  attempts   integer NOT NULL DEFAULT 0,
  messages   integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX erasures_by_account ON erasures (account_id, id);

-- Deliveries that were open when they were erased: an attempt in flight is recorded later, and is erased by the sweep.
CREATE TABLE erased_open_deliveries (
  delivery_id text COLLATE "C" PRIMARY KEY,
  erased_at   timestamptz NOT NULL DEFAULT now()
);
