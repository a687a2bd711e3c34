-- Up Migration
-- Callbacks: the end of a delivery is reported to another subscription of its account.

-- The subscriptions that get the callbacks of a delivery, as its event was accepted; null for none.
ALTER TABLE deliveries ADD COLUMN on_delivered text, ADD COLUMN on_exhausted text;

-- Callbacks that are not emitted yet, written in the statement that records the end, whichever that is. Accounts take
-- turns, in the sequence of the primary key.
CREATE TABLE callbacks (
  account_id      text COLLATE "C" NOT NULL,
  id              bigint GENERATED ALWAYS AS IDENTITY,
  -- The subscription that gets it.
  receiver_id     text COLLATE "C" NOT NULL,
  -- The delivery that has ended, as it was then.
  subscription_id text COLLATE "C" NOT NULL,
  facts           json NOT NULL,
  PRIMARY KEY (account_id, id)
);

CREATE FUNCTION record_callback() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO callbacks (account_id, receiver_id, subscription_id, facts) VALUES (
    NEW.account_id,
    CASE NEW.state WHEN 'delivered' THEN NEW.on_delivered ELSE NEW.on_exhausted END,
    NEW.subscription_id,
    json_build_object(
      'deliveryId', NEW.id, 'eventId', NEW.event_id, 'eventType', NEW.event_type, 'state', NEW.state,
      'reason', left(NEW.state_reason, 500), 'attempts', NEW.attempts, 'redelivery', NEW.run,
      'lastStatus', NEW.last_status, 'lastReason', NEW.last_reason,
      'endedAt', coalesce(NEW.settled_at, now())));
  RETURN NULL;
END $$;

-- The condition is evaluated without calling the function, so deliveries without callbacks cost nothing more.
CREATE TRIGGER delivery_callback AFTER UPDATE OF state ON deliveries
  FOR EACH ROW
  WHEN (OLD.state <> NEW.state
        AND ((NEW.state = 'delivered' AND NEW.on_delivered IS NOT NULL)
             OR (NEW.state = 'failed' AND NEW.on_exhausted IS NOT NULL)))
  EXECUTE FUNCTION record_callback();
