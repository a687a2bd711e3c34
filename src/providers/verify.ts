/**
 * Verification for receivers, `pigeonpost/verify`. Separate from the list in registry.ts, so that a receiver loads no
 * other part of Pigeonpost.
 */
import type { Verifier } from '../contract/verification.js';
import { verifier as bird } from './bird/signature.js';
import { verifier as postack } from './postack/verify.js';
import { verifier as postmark } from './postmark/verify.js';
import { verifier as postpress } from './postpress/verify.js';
import { verifier as postscript } from './postscript/account.js';
import { verifier as standard } from './standard/verify.js';

export { VerificationError, type Received, type Verifier, type VerifyOptions } from '../contract/verification.js';
export { expressVerifier, fastifyVerifier, verifiedBody, type Check, type VerifiedRequest } from '../contract/receivers.js';
export { type Credentials } from '../contract/verify-credentials.js';
export { verify as verifyBird } from './bird/signature.js';
export { verify as verifyPostack } from './postack/verify.js';
export { verify as verifyPostmark } from './postmark/verify.js';
export { verify as verifyPostpress } from './postpress/verify.js';
export { verify as verifyPostscript } from './postscript/account.js';
export { verify as verifyStandard } from './standard/verify.js';

/** The verifier of each provider; `verify` expects the secret from the same verifier's `readSecret`. */
export const verifiers: readonly Verifier[] = [postscript, postack, postpress, postmark, bird, standard] as Verifier[];

/** The verifier of a provider by name, or undefined. */
export function findVerifier(provider: string): Verifier | undefined {
  return verifiers.find((verifier) => verifier.provider === provider);
}
