-- Up Migration
-- A throttle that one of the contracts only kept is the rate that holds for any subscription.
UPDATE subscriptions
SET limits = jsonb_build_object('ratePerSecond', options -> 'rateLimit') || limits,
    options = options - 'rateLimit'
WHERE options ? 'rateLimit';
