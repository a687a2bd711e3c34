/**
 * Verifying for receivers, `pigeonpost/verify`: the counterpart of the list in index.ts, apart from it so that a
 * receiver loads nothing else of Pigeonpost.
 */
import type { Verifier } from '../contract/verification.js';
import { verifier as bird } from './bird/verify.js';
import { verifier as postack } from './postack/verify.js';
import { verifier as postmark } from './postmark/verify.js';
import { verifier as postpress } from './postpress/verify.js';
import { verifier as postscript } from './postscript/verify.js';
import { verifier as standard } from './standard/verify.js';

export { VerificationError, type Received, type Verifier, type VerifyOptions } from '../contract/verification.js';
export { type Credentials } from '../contract/verify-credentials.js';
export { verify as verifyBird } from './bird/verify.js';
export { verify as verifyPostack } from './postack/verify.js';
export { verify as verifyPostmark } from './postmark/verify.js';
export { verify as verifyPostpress } from './postpress/verify.js';
export { verify as verifyPostscript } from './postscript/verify.js';
export { verify as verifyStandard } from './standard/verify.js';

/** A verifier of each provider; each reads the secrets that its own `readSecret` returns. */
export const verifiers: readonly Verifier[] = [postscript, postack, postpress, postmark, bird, standard] as Verifier[];

/** The verifier of a provider by its name, or undefined. */
export function findVerifier(provider: string): Verifier | undefined {
  return verifiers.find((verifier) => verifier.provider === provider);
}
