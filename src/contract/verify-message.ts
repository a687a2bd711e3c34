/** Verifying what the Standard Webhooks specification 1.0.0 signs, under whichever names its headers have. */
import { createHmac, createPublicKey, verify } from 'node:crypto';
import { checkSigningSecret } from './signing-keys.js';
import {
  checkTime,
  requiredHeader,
  sameSignature,
  VerificationError,
  type Received,
  type VerifyOptions,
} from './verification.js';

/** The specification names no tolerance; both public libraries use five minutes. */
const TOLERANCE_S = 300;
/** More than are valid after any rotation; each costs a comparison, of an ed25519 key a verification of the whole body. */
const MAX_SIGNATURES = 32;
const PUBLIC = 'whpk_';
/** The DER head of an ed25519 public key; its 32 bytes follow (RFC 8410). */
const ED25519_SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

/** The form of a secret, for receivers. */
export const MESSAGE_SECRET_FORM = 'the signing secret, whsec_…, or of an ed25519 key the public one, whpk_…';

/** Checks headers `<prefix>-id`, `<prefix>-timestamp` and `<prefix>-signature`; one signature of several must be right. */
export function verifyMessage(received: Received, prefix: string, secret: string, options: VerifyOptions = {}): void {
  const id = requiredHeader(received, `${prefix}-id`);
  const timestamp = requiredHeader(received, `${prefix}-timestamp`);
  const signatures = requiredHeader(received, `${prefix}-signature`).split(' ', MAX_SIGNATURES + 1);
  const key = readMessageSecret(secret);
  checkTime(timestamp, { toleranceS: TOLERANCE_S, ...options }, `${prefix}-timestamp`);
  if (signatures.length > MAX_SIGNATURES)
    throw new VerificationError(`${prefix}-signature has more than ${MAX_SIGNATURES} signatures`);
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), Buffer.from(received.body)]);
  if (!signatures.some(signatureCheck(key, signed))) {
    throw new VerificationError(`no signature in ${prefix}-signature is right for this body and secret`);
  }
}

/** The secret itself. Throws when it is of no form that signatures can be verified with. */
export function readMessageSecret(text: string): string {
  const problem = text.startsWith(PUBLIC)
    ? publicKeyBytes(text).length === 32
      ? undefined
      : `must be ${PUBLIC} followed by 32 bytes in base64`
    : checkSigningSecret(text);
  if (problem !== undefined) throw new Error(`the secret ${problem}`);
  if (text.startsWith('whsk_'))
    throw new Error('receivers verify with the public key, whpk_…, not with the private one');
  return text;
}

type SignatureCheck = (signature: string) => boolean;

function signatureCheck(secret: string, signed: Buffer): SignatureCheck {
  if (!secret.startsWith(PUBLIC)) {
    const key = Buffer.from(secret.slice(secret.indexOf('_') + 1), 'base64');
    const expected = createHmac('sha256', key).update(signed).digest();
    return ofVersion('v1', (given) => sameSignature(given, expected));
  }
  const der = Buffer.concat([ED25519_SPKI_HEAD, publicKeyBytes(secret)]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return ofVersion('v1a', (given) => verify(null, signed, key, Buffer.from(given, 'base64')));
}

/** A signature of another version is none, whatever follows its comma. */
function ofVersion(version: string, check: SignatureCheck): SignatureCheck {
  return (signature) => signature.startsWith(`${version},`) && check(signature.slice(version.length + 1));
}

function publicKeyBytes(key: string): Buffer {
  return Buffer.from(key.slice(PUBLIC.length), 'base64');
}
