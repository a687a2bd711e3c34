-- Up Migration
-- Event types that the platform defines itself, for contracts that leave the catalogue to it.

CREATE TABLE event_types (
  name           text COLLATE "C" PRIMARY KEY,
  description    text NOT NULL DEFAULT '',
  group_name     text,
  -- A list. json, not jsonb, keeps the sequence of keys that a person wrote.
  examples       json NOT NULL DEFAULT '[]',
  enforce        boolean NOT NULL DEFAULT false,
  archived       boolean NOT NULL DEFAULT false,
  -- Accounts see it only with this flag; null for all accounts.
  feature_flag   text,
  -- The current row of event_type_versions.
  version        integer NOT NULL,
  created_at     timestamptz NOT NULL DEFAULT now(),
  updated_at     timestamptz NOT NULL DEFAULT now()
);

-- Each change of a schema adds a version; former ones are kept.
CREATE TABLE event_type_versions (
  event_type text COLLATE "C" NOT NULL REFERENCES event_types (name) ON DELETE CASCADE,
  version    integer NOT NULL,
  -- JSON Schema, draft 2020-12; null while there is none.
  schema     json,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (event_type, version)
);

-- The version of the whole catalogue, one row. Every change locks and renews it; processes cache the catalogue and compare
-- it. Random, so that none is reused after a backup is restored.
CREATE TABLE event_type_catalogue (
  single  boolean PRIMARY KEY DEFAULT true CHECK (single),
  version uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO event_type_catalogue DEFAULT VALUES;

-- The account sees event types with these flags.
ALTER TABLE accounts ADD COLUMN feature_flags text[] NOT NULL DEFAULT '{}';
