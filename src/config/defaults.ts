/**
 * When a delivery gets a workflow: before its first attempt, only when its first attempt was not accepted, or before it at
 * a low rate and after it at a higher one.
 */
export const workflowModes = ['always', 'adaptive', 'on_retry'] as const;
export type WorkflowMode = (typeof workflowModes)[number];

/** What an unset setting stands for, where that is one value. */
export const defaults = {
  host: '127.0.0.1',
  port: 8080,
  maxBodyBytes: 5 * 1024 * 1024,
  maxCommitBytes: 20 * 1024 * 1024,
  maxSubscriptions: 500,
  shutdownDelayS: 5,
  maxConcurrentAttempts: 50,
  retentionDays: 90,
  workflows: 'adaptive',
  temporalPort: 7233,
  temporalUiPort: 8233,
  namespace: 'default',
  logLevel: 'info',
} as const;

/** Networks that receivers may be in while database and Temporal are the embedded ones: this machine. */
export const EMBEDDED_NETWORKS: readonly string[] = ['127.0.0.0/8', '::1/128'];

/** Ten years. */
export const MAX_RETENTION_DAYS = 3_650;
