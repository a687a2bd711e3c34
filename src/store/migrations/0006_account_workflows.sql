-- Up Migration

-- When its deliveries get a workflow; null uses the installation's setting.
ALTER TABLE accounts ADD COLUMN workflows text CHECK (workflows IN ('always', 'adaptive', 'on_retry'));
