/**
 * Rotation of a secret. Svix's EndpointSecretRotateIn and its limits: svix-server,
 * src/v1/endpoints/endpoint/{mod,secrets}.rs.
 */
import { randomBytes } from 'node:crypto';
import { MAX_FORMER_KEYS, TooManySigningKeys } from '../../../contract/signing-keys.js';
import type { StoredSubscription } from '../../../store/subscriptions/subscriptions.js';
import { contract, type Secrets } from '../contract.js';
import type { Options } from '../fields.js';
import { svixError, validationError } from './errors.js';
import { readObject, withPrefix } from './input.js';

const GRACE_SECONDS = 86_400;
const MAX_GRACE_SECONDS = 604_800;

const CLIENT = /^svix-libs\/(\d+)\.(\d+)\./;
const READS_SECRET_SINCE = { major: 2, minor: 7 };

/** The secrets of an endpoint after the requested rotation; without a body the defaults apply. */
export function rotatedSecrets(endpoint: StoredSubscription, body: unknown): Secrets {
  const { key, gracePeriodSeconds } = readObject(body ?? {});
  const now = new Date();
  const grace = gracePeriodSeconds ?? GRACE_SECONDS;
  if (typeof grace !== 'number' || !Number.isInteger(grace) || grace < 0 || grace > MAX_GRACE_SECONDS) {
    throw validationError(['body', 'gracePeriodSeconds'], 'Duration must be between 0 and 7 days');
  }
  const secret = readKey(key);
  try {
    return contract.subscriptions.rotateSecret!(
      { ...endpoint, options: endpoint.options as Options, secrets: endpoint.secrets as Secrets },
      { randomBytes, now, overlapEndsAt: new Date(now.getTime() + grace * 1_000), secret },
    );
  } catch (error) {
    throw error instanceof TooManySigningKeys ? tooManyKeys(error) : error;
  }
}

function readKey(input: unknown): string | undefined {
  const key = withPrefix(input);
  if (key === undefined) return undefined;
  const wrong = typeof key === 'string' ? contract.subscriptions.checkSecret?.(key) : 'must be text';
  if (wrong !== undefined) throw validationError(['body', 'key'], wrong);
  return key as string;
}

/** The error message of Svix, whose limit is the same (`MAX_OLD_KEYS`). */
function tooManyKeys({ nextExpiresAt }: TooManySigningKeys) {
  return svixError(
    400,
    'limit_reached',
    `You can only rotate a key ${MAX_FORMER_KEYS} times; please wait for old keys to expire. Your next key expires at ${nextExpiresAt}.`,
  );
}

/**
 * Whether a client reads the new secret from the response to a rotation. The `User-Agent` of the client packages is
 * `svix-libs/<version>/<language>`, with one version for all languages.
 *
 * Up to 2.6 clients ignore the body (svix-server 1.100.0 responds with 204): npm svix 1.99.1 and 2.5.0, PyPI svix
 * 2.6.2. Those for Java and Kotlin fail on a body: Maven com.svix:svix 1.93.0 (`SvixHttpClient.executeRequest`) parses
 * any body of a 200, here without a target class. PyPI svix 2.7.0 parses an `EndpointSecretOut` and fails on a 204.
 */
export function readsRotatedSecret(userAgent: string | undefined): boolean {
  const [, major, minor] = CLIENT.exec(userAgent ?? '') ?? [];
  if (major === undefined || minor === undefined) return false;
  const newer = Number(major) - READS_SECRET_SINCE.major;
  return newer > 0 || (newer === 0 && Number(minor) >= READS_SECRET_SINCE.minor);
}
