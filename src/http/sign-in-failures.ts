/** Handles failed sign-ins: counts and logs them, and rejects when there were too many. */
import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { countAuthFailure, type AuthFailureReason } from '../telemetry/metrics.js';
import { Problem } from './problem.js';
import { SignInLimits } from './sign-in-limits.js';

/** The sender of a request: a proxy, unless PIGEONPOST_TRUST_PROXY trusts its X-Forwarded-For. */
export interface Caller {
  readonly ip?: string | undefined;
}

export class SignInFailures {
  constructor(
    private readonly log: Logger,
    private readonly limits = new SignInLimits(),
  ) {}

  /** Counts a wrong key; throws the problem `rate_limited` when its address or prefix is over the limit. */
  record({ ip }: Caller, key: string, reason: Exclude<AuthFailureReason, 'missing'>, accountId?: string): void {
    const { address, failures, retryAfterS, shouldLog } = this.limits.add(ip, key);
    const keyHash = fingerprint(key).slice(0, 8);
    if (shouldLog) this.log.warn({ address, keyHash, reason, accountId, failures }, 'sign-in failed');
    if (retryAfterS !== undefined) throw this.rejected(retryAfterS);
    countAuthFailure(reason);
  }

  /** Counts a request without a key. It is not limited, because it guesses no key. */
  recordMissing(): void {
    countAuthFailure('missing');
  }

  /** Whether the next wrong key would be over the limit. */
  isOver({ ip }: Caller, key: string): boolean {
    return this.limits.isOver(ip, key);
  }

  /** Counts a rejected request and returns its problem. */
  rejected(retryAfterS: number): Problem {
    countAuthFailure('rate_limited');
    return new Problem('rate_limited', 'too many requests with wrong keys; check the key', undefined, retryAfterS);
  }
}

/** SHA-256 in hexadecimal: identifies a key without revealing it. */
export function fingerprint(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
