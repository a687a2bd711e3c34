-- Up Migration
-- What the sweep looks for beside overdue attempts: started deliveries that have made none, and paused ones.

CREATE INDEX deliveries_started ON deliveries (coalesce(next_attempt_at, updated_at)) WHERE owned AND state = 'pending';
CREATE INDEX deliveries_paused ON deliveries (subscription_id, id) WHERE state = 'paused';
