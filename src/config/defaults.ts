/** What unset settings stand for. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve, sep } from 'node:path';

/**
 * When a delivery gets a workflow: before its first attempt, only when its first attempt was not accepted, or before it at
 * a low rate and after it at a higher one.
 */
export const workflowModes = ['always', 'adaptive', 'on_retry'] as const;
export type WorkflowMode = (typeof workflowModes)[number];

/** What happens to event types that are not defined, once at least one is. */
export const unknownEventTypes = ['refuse', 'accept'] as const;
export type UnknownEventTypes = (typeof unknownEventTypes)[number];

/** What an unset setting stands for, where that is one value. */
export const defaults = {
  host: '127.0.0.1',
  port: 8080,
  maxBodyBytes: 5 * 1024 * 1024,
  maxCommitBytes: 20 * 1024 * 1024,
  maxSubscriptions: 500,
  unknownEventTypes: 'refuse',
  shutdownDelayS: 5,
  maxConcurrentAttempts: 50,
  retentionDays: 90,
  idempotencyHours: 24,
  workflows: 'adaptive',
  databaseConnections: 20,
  temporalPort: 7233,
  temporalUiPort: 8233,
  namespace: 'default',
  sessionHours: 12,
  auditDays: 365,
  portalName: 'Webhooks',
  oidcScopes: 'openid profile email',
  oidcName: 'OpenID Connect',
  logLevel: 'info',
} as const;

/** Networks that receivers may be in while database and Temporal are the embedded ones: this machine. */
export const EMBEDDED_NETWORKS: readonly string[] = ['127.0.0.0/8', '::1/128'];

/** Days for which the embedded Temporal server keeps workflows that have ended. */
export const EMBEDDED_TEMPORAL_RETENTION_DAYS = 3;

/** Ten years. */
export const MAX_RETENTION_DAYS = 3_650;

/** The folder that holds this program: a clone, or the package as it was installed. */
const PACKAGE_ROOT = resolve(__dirname, '../..');

/** The folder for fetched programs, by the custom of the operating system. */
export function defaultCacheDir(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): string {
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'pigeonpost');
  return platform === 'win32'
    ? join(env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'pigeonpost')
    : join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'pigeonpost');
}

/**
 * The folder for data: in a clone `.pigeonpost` there, otherwise the user's data folder by the custom of the operating
 * system. Never inside an installed package, as package managers delete such folders.
 */
export function defaultDataDir(
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
  root: string = PACKAGE_ROOT,
): string {
  if (isClone(root)) return join(root, '.pigeonpost');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'pigeonpost');
  return platform === 'win32'
    ? join(env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'pigeonpost', 'data')
    : join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'pigeonpost');
}

/** Published packages do not contain the sources. */
function isClone(root: string): boolean {
  return !root.split(sep).includes('node_modules') && existsSync(join(root, 'src'));
}
