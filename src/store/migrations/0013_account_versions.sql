-- Up Migration
-- The version of what events of an account are matched and rendered with: the account itself and its subscriptions.
-- Processes cache those; the statement that writes events compares versions, so that an outdated cache writes nothing.
-- Versions are random rather than counted, so that none is used twice when a backup is restored.

CREATE TABLE account_versions (
  account_id text COLLATE "C" PRIMARY KEY REFERENCES accounts (id),
  version    uuid NOT NULL DEFAULT gen_random_uuid()
) WITH (fillfactor = 50);
INSERT INTO account_versions (account_id) SELECT id FROM accounts;

-- Once per transaction, however many rows it changes.
CREATE FUNCTION renew_account_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO account_versions (account_id) VALUES (to_jsonb(NEW) ->> TG_ARGV[0])
  ON CONFLICT (account_id) DO UPDATE SET version = excluded.version
    WHERE account_versions.xmin <> pg_current_xact_id()::xid;
  RETURN NULL;
END $$;

-- Deferred to the commit: a version is the last row that a transaction locks, so that transactions that lock accounts and
-- subscriptions in different orders cannot deadlock on it. What is counted of a failing subscription is not cached.
CREATE CONSTRAINT TRIGGER account_version AFTER INSERT OR UPDATE ON accounts
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION renew_account_version('id');
CREATE CONSTRAINT TRIGGER subscription_added_version AFTER INSERT ON subscriptions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION renew_account_version('account_id');
CREATE CONSTRAINT TRIGGER subscription_changed_version
  AFTER UPDATE OF url, event_types, description, enabled, options, limits, secrets, deleted_at ON subscriptions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION renew_account_version('account_id');

-- Nobody listens any more.
DROP FUNCTION tell_of_account CASCADE;

-- How many subscriptions the account may have; null for as many as the installation's setting says.
ALTER TABLE accounts ADD COLUMN max_subscriptions integer CHECK (max_subscriptions >= 0);
-- Deleted subscriptions stay as rows, so that counting and loading must not read them.
CREATE INDEX subscriptions_by_account ON subscriptions (account_id, id) WHERE deleted_at IS NULL;
