-- Up Migration
-- Where owners may give their subscriptions a name (Svix's uid), it names one subscription of the account.

CREATE UNIQUE INDEX subscriptions_by_uid ON subscriptions (account_id, (options->>'uid'))
  WHERE deleted_at IS NULL AND options->>'uid' IS NOT NULL;
