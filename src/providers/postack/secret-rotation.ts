/** Svix's EndpointSecretRotateIn and its limits: svix-server, src/v1/endpoints/endpoint/{mod,secrets}.rs. */
import { randomBytes } from 'node:crypto';
import { MAX_FORMER_KEYS, TooManySigningKeys } from '../../contract/signing-keys.js';
import type { StoredSubscription } from '../../store/subscriptions/subscriptions.js';
import { contract, type Secrets } from './contract.js';
import { withPrefix } from './endpoint-input.js';
import type { Options } from './fields.js';
import { readObject, svixError, validationError } from './svix-error.js';

const GRACE_SECONDS = 86_400;
const MAX_GRACE_SECONDS = 604_800;

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
    throw error instanceof TooManySigningKeys ? tooMany(error) : error;
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
function tooMany({ nextExpiresAt }: TooManySigningKeys) {
  return svixError(
    400,
    'limit_reached',
    `You can only rotate a key ${MAX_FORMER_KEYS} times; please wait for old keys to expire. Your next key expires at ${nextExpiresAt}.`,
  );
}
