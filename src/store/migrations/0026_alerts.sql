-- Up Migration
-- Alerts to people: rules, what they have raised, and the messages about it.

-- Of the customer, for alerts; null for none.
ALTER TABLE accounts ADD COLUMN contact_email text;

CREATE TABLE alert_rules (
  id                   text COLLATE "C" PRIMARY KEY,
  name                 text NOT NULL,
  condition            text NOT NULL,
  -- How long the condition must hold.
  minutes              integer NOT NULL,
  -- Only this account; null for all.
  account_id           text COLLATE "C" REFERENCES accounts (id),
  -- Null when an alert is not repeated.
  repeat_after_minutes integer,
  -- The target with its URL and secret, sealed.
  target               bytea NOT NULL,
  enabled              boolean NOT NULL DEFAULT true,
  created_at           timestamptz NOT NULL DEFAULT now()
);

-- Messages, written in the transaction that raises or ends alerts and sent afterwards.
CREATE TABLE alert_messages (
  id              text COLLATE "C" PRIMARY KEY,
  rule_id         text COLLATE "C" NOT NULL REFERENCES alert_rules (id) ON DELETE CASCADE,
  -- The account whose contact gets it; null when the rule names the target.
  account_id      text COLLATE "C",
  is_mail         boolean NOT NULL,
  -- As in the type AlertContent.
  content         jsonb NOT NULL,
  attempts        integer NOT NULL DEFAULT 0,
  -- Null once it was sent or given up.
  next_attempt_at timestamptz DEFAULT now(),
  attempted_at    timestamptz,
  sent_at         timestamptz,
  last_error      text,
  created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX alert_messages_due ON alert_messages (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX alert_messages_mailed ON alert_messages (attempted_at) WHERE is_mail;
CREATE INDEX alert_messages_by_rule ON alert_messages (rule_id);
CREATE INDEX alert_messages_by_time ON alert_messages (created_at);

CREATE TABLE alerts (
  id              text COLLATE "C" PRIMARY KEY,
  rule_id         text COLLATE "C" NOT NULL REFERENCES alert_rules (id) ON DELETE CASCADE,
  -- A subscription, an account, or `installation`.
  object_id       text COLLATE "C" NOT NULL,
  account_id      text COLLATE "C",
  -- As in the type AlertFacts.
  facts           jsonb NOT NULL,
  -- Since when the condition holds.
  since           timestamptz NOT NULL,
  ended_at        timestamptz,
  -- The last message that it was raised or repeated in, and the one that it has ended.
  message_id      text COLLATE "C",
  end_message_id  text COLLATE "C",
  last_message_at timestamptz NOT NULL DEFAULT now()
);
-- One at a time for a rule and an object.
CREATE UNIQUE INDEX alerts_open ON alerts (rule_id, object_id) WHERE ended_at IS NULL;
CREATE INDEX alerts_ended ON alerts (ended_at) WHERE ended_at IS NOT NULL;
