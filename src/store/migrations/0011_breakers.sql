-- Up Migration
-- Circuit breakers of subscriptions (src/contract/breaker.ts).

ALTER TABLE subscriptions
  -- Null while it is closed and no attempt in its window has failed.
  ADD COLUMN breaker jsonb,
  -- Null while it is closed.
  ADD COLUMN breaker_opened_at timestamptz;

CREATE INDEX subscriptions_with_open_breaker ON subscriptions (id) WHERE breaker_opened_at IS NOT NULL;

-- While it is open events are fanned out differently. Only that renews the version, not what it counts.
CREATE CONSTRAINT TRIGGER subscription_breaker_version AFTER UPDATE OF breaker_opened_at ON subscriptions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (OLD.breaker_opened_at IS DISTINCT FROM NEW.breaker_opened_at)
  EXECUTE FUNCTION renew_account_version('account_id');

-- What waits for a breaker, to be sent in this sequence. Those without a workflow are claimed by 'breaker'
-- (deliveries.sender_id), which is no sender.
CREATE INDEX deliveries_waiting_for_breaker ON deliveries (subscription_id, id)
  WHERE state = 'paused' AND state_reason = 'the circuit breaker is open';
