/**
 * Signing keys and signatures as the Standard Webhooks specification 1.0.0 defines them.
 *
 * Symmetric keys are shown as `whsec_` + base64 of 24 to 64 random bytes and sign with HMAC-SHA256 (`v1,`); asymmetric
 * ones are `whsk_` + base64 of an ed25519 seed and sign as `v1a,`, verified with the `whpk_` public key.
 */
import { createHash, createHmac, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { RandomBytes } from './entities.js';

/** A key that signs; with `expiresAt` (ISO 8601) it was rotated out and signs only until then. */
export interface SigningKey {
  readonly secret: string;
  readonly expiresAt?: string;
}

/** Keys that were rotated out and may still sign; each costs a signature in every request. */
export const MAX_FORMER_KEYS = 10;

/** After the rotation more than `MAX_FORMER_KEYS` former keys would be valid; `nextExpiresAt` (ISO 8601) is when one expires. */
export class TooManySigningKeys extends Error {
  constructor(readonly nextExpiresAt: string) {
    super(`${MAX_FORMER_KEYS} former secrets are still valid; the next one expires at ${nextExpiresAt}`);
  }
}

const SYMMETRIC = 'whsec_';
const PRIVATE = 'whsk_';
const PUBLIC = 'whpk_';
/** The DER head of a PKCS #8 ed25519 private key; the 32-byte seed follows (RFC 8410). */
const ED25519_PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A new key: 24 random bytes for `v1`, an ed25519 seed for `v1a`. */
export function newSigningSecret(randomBytes: RandomBytes, version: 'v1' | 'v1a' = 'v1'): string {
  return version === 'v1'
    ? SYMMETRIC + randomBytes(24).toString('base64')
    : PRIVATE + randomBytes(32).toString('base64');
}

/** Why a secret is not of the specification's form, or undefined. */
export function checkSigningSecret(secret: string): string | undefined {
  const prefix = [SYMMETRIC, PRIVATE].find((known) => secret.startsWith(known));
  if (!prefix) return `must begin with ${SYMMETRIC} (shared secret) or ${PRIVATE} (ed25519 private key)`;
  const bytes = keyBytes(secret);
  const encoded = bytes.toString('base64');
  if (![encoded, encoded.replace(/=+$/, '')].includes(secret.slice(prefix.length))) {
    return `must be ${prefix} followed by base64`;
  }
  if (prefix === PRIVATE) return [32, 64].includes(bytes.length) ? undefined : 'must hold an ed25519 key of 32 bytes';
  return bytes.length >= 24 && bytes.length <= 64 ? undefined : 'must hold 24 to 64 bytes';
}

/** What a receiver verifies with: the shared secret itself, or the public key of a private one. */
export function verificationKey(secret: string): string {
  if (!secret.startsWith(PRIVATE)) return secret;
  const spki = createPublicKey(privateKey(secret)).export({ format: 'der', type: 'spki' });
  return PUBLIC + spki.subarray(-32).toString('base64');
}

/** A public key as a JSON Web Key (RFC 8037); `kid` is its thumbprint (RFC 7638). */
export interface PublicKey {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: 'EdDSA';
}

/** The public keys of the ed25519 keys that are valid at `now`, the newest first. Shared secrets have none. */
export function publicKeys(keys: readonly SigningKey[], now: Date): PublicKey[] {
  return validKeys(keys, now)
    .filter(({ secret }) => secret.startsWith(PRIVATE))
    .map(({ secret }) => {
      const { x } = createPublicKey(privateKey(secret)).export({ format: 'jwk' }) as { x: string };
      const kid = createHash('sha256')
        .update(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }))
        .digest('base64url');
      return { kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig', alg: 'EdDSA' };
    });
}

/**
 * The keys after rotation: the new one first, those still valid at `now` with an end to their validity.
 * @throws TooManySigningKeys
 */
export function rotateSigningKeys(
  keys: readonly SigningKey[],
  { secret, now, overlapEndsAt }: { secret: string; now: Date; overlapEndsAt: Date },
): SigningKey[] {
  const former = validKeys(keys, now)
    .filter((key) => key.secret !== secret)
    .map((key) => ({ secret: key.secret, expiresAt: earlier(key.expiresAt, overlapEndsAt) }));
  const valid = former.filter(({ expiresAt }) => new Date(expiresAt) > now);
  if (valid.length > MAX_FORMER_KEYS) throw new TooManySigningKeys(valid.map(({ expiresAt }) => expiresAt).sort()[0]!);
  return [{ secret }, ...valid];
}

/** The value of the signature header: one element per valid key, separated by spaces, the newest first. */
export function signatureHeader(
  keys: readonly SigningKey[],
  message: { id: string; timestamp: number; body: string },
  now: Date,
): string {
  const signed = `${message.id}.${message.timestamp}.${message.body}`;
  return validKeys(keys, now)
    .map(({ secret }) => signature(secret, signed))
    .join(' ');
}

function signature(secret: string, signed: string): string {
  if (secret.startsWith(PRIVATE))
    return `v1a,${sign(null, Buffer.from(signed), privateKey(secret)).toString('base64')}`;
  return `v1,${createHmac('sha256', keyBytes(secret)).update(signed).digest('base64')}`;
}

function validKeys(keys: readonly SigningKey[], now: Date): SigningKey[] {
  return keys.filter(({ expiresAt }) => expiresAt === undefined || new Date(expiresAt) > now);
}

function earlier(expiresAt: string | undefined, limit: Date): string {
  return expiresAt !== undefined && new Date(expiresAt) < limit ? expiresAt : limit.toISOString();
}

function keyBytes(secret: string): Buffer {
  return Buffer.from(secret.slice(secret.indexOf('_') + 1), 'base64');
}

function privateKey(secret: string) {
  const seed = keyBytes(secret).subarray(0, 32);
  return createPrivateKey({ key: Buffer.concat([ED25519_PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
}
