-- Up Migration
-- Deliveries of one ordering key to one subscription are made one after the other. The first of them that has not ended is
-- the head; the others are blocked: they are claimed by 'ordering' (deliveries.sender_id), which is no sender, so no sender
-- claims them and no workflow is started for them. When the head ends, a trigger releases the next one in the same
-- transaction, whichever statement has recorded the end.

ALTER TABLE deliveries ADD COLUMN ordering_key text;
-- Whether it has left the order of its key when it is paused or has failed: the next one is released then.
ALTER TABLE deliveries ADD COLUMN parked boolean NOT NULL DEFAULT false;
CREATE INDEX deliveries_ordered ON deliveries (account_id, ordering_key, id DESC) WHERE ordering_key IS NOT NULL;

-- Keys with a head. A statement that accepts events locks its keys here, so that positions follow the sequence of commits.
-- Locks are taken in the sequence of the primary key, and before those of deliveries.
CREATE TABLE ordering_keys (
  subscription_id text COLLATE "C" NOT NULL,
  ordering_key    text COLLATE "C" NOT NULL,
  -- The id of the delivery that the others wait for.
  head            text COLLATE "C" NOT NULL,
  last_position   bigint NOT NULL,
  -- Since when it is the head.
  head_since      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (subscription_id, ordering_key)
) WITH (fillfactor = 70);

-- The blocked deliveries.
CREATE TABLE ordering_waiting (
  subscription_id text COLLATE "C" NOT NULL,
  ordering_key    text COLLATE "C" NOT NULL,
  position        bigint NOT NULL,
  delivery_id     text COLLATE "C" NOT NULL,
  PRIMARY KEY (subscription_id, ordering_key, position)
);
CREATE UNIQUE INDEX ordering_waiting_by_delivery ON ordering_waiting (delivery_id);

-- Whether others wait for this head: while it is open and not parked, and after its failure if the subscription says so.
CREATE FUNCTION is_blocking_head(head text) RETURNS boolean STABLE LANGUAGE sql AS $$
  SELECT EXISTS (
    SELECT FROM deliveries d JOIN subscriptions s ON s.id = d.subscription_id
    WHERE d.id = head AND CASE d.state
      WHEN 'pending' THEN true
      WHEN 'retrying' THEN true
      WHEN 'paused' THEN NOT d.parked
      WHEN 'failed' THEN NOT d.parked AND s.deleted_at IS NULL AND s.options->>'onOrderedFailure' IS NOT DISTINCT FROM 'block'
      ELSE false
    END)
$$;

-- Releases the next delivery of a key unless its head still blocks it. Does nothing when it is repeated.
CREATE FUNCTION release_next_ordered(of_subscription text, of_key text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  current_head text;
  next_head text;
BEGIN
  -- Waits for statements that add deliveries to the key; the statements after it see what they have added.
  SELECT k.head INTO current_head FROM ordering_keys k
  WHERE k.subscription_id = of_subscription AND k.ordering_key = of_key FOR UPDATE;
  IF NOT FOUND OR is_blocking_head(current_head) THEN
    RETURN;
  END IF;
  LOOP
    DELETE FROM ordering_waiting w
    WHERE w.subscription_id = of_subscription AND w.ordering_key = of_key AND w.position = (
      SELECT min(first.position) FROM ordering_waiting first
      WHERE first.subscription_id = of_subscription AND first.ordering_key = of_key)
    RETURNING w.delivery_id INTO next_head;
    IF NOT FOUND THEN
      DELETE FROM ordering_keys k WHERE k.subscription_id = of_subscription AND k.ordering_key = of_key;
      RETURN;
    END IF;
    UPDATE deliveries d SET sender_id = NULL, updated_at = now()
    WHERE d.id = next_head AND d.state = 'pending' AND d.sender_id = 'ordering' AND NOT d.owned;
    IF FOUND THEN
      UPDATE ordering_keys k SET head = next_head, head_since = now()
      WHERE k.subscription_id = of_subscription AND k.ordering_key = of_key;
      -- The channel of src/store/direct/notifications.ts: a sender claims it now.
      PERFORM pg_notify('pigeonpost_direct', '');
      RETURN;
    END IF;
  END LOOP;
END $$;

CREATE FUNCTION ordered_delivery_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- A blocked delivery that is cancelled.
  DELETE FROM ordering_waiting w WHERE w.delivery_id = NEW.id;
  PERFORM release_next_ordered(NEW.subscription_id, NEW.ordering_key);
  RETURN NULL;
END $$;

-- The condition is evaluated without calling the function, so deliveries without a key cost nothing more.
CREATE TRIGGER ordered_delivery_ended AFTER UPDATE OF state, parked ON deliveries
  FOR EACH ROW
  WHEN (NEW.ordering_key IS NOT NULL AND (OLD.state <> NEW.state OR OLD.parked <> NEW.parked)
        AND (NEW.state IN ('delivered', 'failed', 'cancelled') OR (NEW.state = 'paused' AND NEW.parked)))
  EXECUTE FUNCTION ordered_delivery_ended();
