-- Up Migration
-- When a subscription was disabled, by whatever statement; null while it is enabled.

ALTER TABLE subscriptions ADD COLUMN disabled_at timestamptz;
UPDATE subscriptions SET disabled_at = updated_at WHERE NOT enabled;

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

-- Those that were disabled because of their receiver, which the overview lists.
CREATE INDEX subscriptions_disabled ON subscriptions (account_id, disabled_at DESC)
  WHERE NOT enabled AND disabled_reason IS NOT NULL AND deleted_at IS NULL;
