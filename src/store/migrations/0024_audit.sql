-- Up Migration
-- Who changed or commanded what. A row is written before the change, and its result after it.
CREATE TABLE audit_log (
  id         text COLLATE "C" PRIMARY KEY,
  role       text NOT NULL,
  via        text NOT NULL,
  -- Null for the admin key of the settings.
  key_id     text COLLATE "C",
  key_name   text,
  session_id text COLLATE "C",
  address    text,
  request_id text,
  action     text NOT NULL,
  account_id text COLLATE "C",
  object_id  text COLLATE "C",
  -- Null until the result is recorded, and for good if the process died in between.
  status     integer
);
CREATE INDEX audit_log_by_account ON audit_log (account_id, id);
CREATE INDEX audit_log_by_object ON audit_log (object_id, id);
CREATE INDEX audit_log_by_key ON audit_log (key_id, id);
