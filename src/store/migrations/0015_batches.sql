-- Up Migration
-- Batches: one request with several events. Deliveries of a subscription with batches are claimed by 'batching'
-- (deliveries.sender_id), which is no sender, so they are not sent and get no workflow. Due ones become the members of a
-- batch: a delivery of its own, which is sent like any other. When it ends, a trigger ends its members in the same
-- statement.

ALTER TABLE deliveries
  -- The batch that a member belongs to; null for a delivery that is sent alone, or not yet.
  ADD COLUMN batch_id text,
  -- Of a batch, how many events it has; null for other deliveries.
  ADD COLUMN batch_events integer;
CREATE INDEX deliveries_by_batch ON deliveries (batch_id) WHERE batch_id IS NOT NULL;

-- What is collected: the events of a subscription with one ordering key ('' for none). A statement that accepts events locks
-- the row, so that positions follow the sequence of commits.
CREATE TABLE open_batches (
  subscription_id text COLLATE "C" NOT NULL,
  ordering_key    text COLLATE "C" NOT NULL,
  -- The limit when the last event was added.
  max_events      integer NOT NULL,
  waiting         integer NOT NULL,
  last_position   bigint NOT NULL,
  -- When it is sent: the wait of its first event has passed, or it is full.
  due_at          timestamptz NOT NULL,
  PRIMARY KEY (subscription_id, ordering_key)
) WITH (fillfactor = 50);
CREATE INDEX open_batches_due ON open_batches (due_at);

CREATE TABLE batch_waiting (
  subscription_id text COLLATE "C" NOT NULL,
  ordering_key    text COLLATE "C" NOT NULL,
  position        bigint NOT NULL,
  delivery_id     text COLLATE "C" NOT NULL,
  event_id        text COLLATE "C" NOT NULL,
  added_at        timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (subscription_id, ordering_key, position)
);

-- Collects the open members of a batch again, before what waits. Its own ones that were erased are cancelled.
CREATE FUNCTION collect_again(batch deliveries) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  of_key text := coalesce(batch.ordering_key, '');
BEGIN
  UPDATE deliveries m SET state = 'cancelled', state_reason = 'erased', owned = true, settled_at = now(), updated_at = now()
  WHERE m.batch_id = batch.id AND m.state = 'pending'
    AND NOT EXISTS (SELECT FROM events e WHERE e.id = m.event_id AND e.erased_at IS NULL);
  IF NOT EXISTS (SELECT FROM deliveries m WHERE m.batch_id = batch.id AND m.state = 'pending') THEN
    RETURN;
  END IF;
  -- Locked before positions are read.
  INSERT INTO open_batches AS open (subscription_id, ordering_key, max_events, waiting, last_position, due_at)
  SELECT batch.subscription_id, of_key, 1, count(*), 0, now() FROM deliveries m
  WHERE m.batch_id = batch.id AND m.state = 'pending'
  ON CONFLICT (subscription_id, ordering_key) DO UPDATE SET waiting = open.waiting + excluded.waiting, due_at = now();
  INSERT INTO batch_waiting (subscription_id, ordering_key, position, delivery_id, event_id)
  SELECT batch.subscription_id, of_key, first.position - row_number() OVER (ORDER BY m.id DESC), m.id, m.event_id
  FROM deliveries m, (
    SELECT coalesce(min(w.position), 1) AS position FROM batch_waiting w
    WHERE w.subscription_id = batch.subscription_id AND w.ordering_key = of_key
  ) first
  WHERE m.batch_id = batch.id AND m.state = 'pending';
  UPDATE deliveries m SET batch_id = NULL, updated_at = now() WHERE m.batch_id = batch.id AND m.state = 'pending';
END $$;

CREATE FUNCTION batch_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = 'delivered' THEN
    -- Also what was superseded after it had become a part of the request.
    UPDATE deliveries m SET state = 'delivered', state_reason = NULL, attempts = NEW.attempts,
      last_status = NEW.last_status, last_reason = NULL, first_attempt_at = NEW.first_attempt_at, owned = true,
      settled_at = NEW.settled_at, updated_at = now()
    WHERE m.batch_id = NEW.id AND m.state <> 'delivered';
  ELSIF NEW.state IN ('failed', 'cancelled') AND NEW.state_reason = 'erased' THEN
    PERFORM collect_again(NEW);
  ELSIF NEW.state IN ('failed', 'cancelled') THEN
    UPDATE deliveries m SET state = NEW.state, state_reason = NEW.state_reason, attempts = NEW.attempts,
      last_status = NEW.last_status, last_reason = NEW.last_reason, first_attempt_at = NEW.first_attempt_at,
      owned = true, settled_at = NEW.settled_at, updated_at = now()
    WHERE m.batch_id = NEW.id AND m.state = 'pending';
  ELSIF OLD.state IN ('delivered', 'failed', 'cancelled') THEN
    -- It is delivered again.
    UPDATE deliveries m SET state = 'pending', state_reason = NULL, owned = false, settled_at = NULL, updated_at = now()
    WHERE m.batch_id = NEW.id AND m.state <> 'pending';
  END IF;
  RETURN NULL;
END $$;

-- The condition is evaluated without calling the function, so other deliveries cost nothing more.
CREATE TRIGGER batch_changed AFTER UPDATE OF state ON deliveries
  FOR EACH ROW WHEN (NEW.batch_events IS NOT NULL AND OLD.state <> NEW.state) EXECUTE FUNCTION batch_changed();
