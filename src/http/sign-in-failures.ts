/** What becomes of a failed sign-in: a count, a log line, and a problem when there were too many. */
import { createHash } from 'crypto';
import type { Logger } from 'pino';
import { countAuthFailure, type AuthFailureReason } from '../telemetry/metrics.js';
import { Problem } from './problem.js';
import { SignInLimits } from './sign-in-limits.js';

/** Who sends a request: a proxy, unless PIGEONPOST_TRUST_PROXY says that it names its callers. */
export interface Caller {
  readonly ip?: string | undefined;
}

export class SignInFailures {
  constructor(
    private readonly log: Logger,
    private readonly limits = new SignInLimits(),
  ) {}

  /** Counts a wrong key; throws the problem `rate_limited` when its address or its prefix had too many. */
  record({ ip }: Caller, key: string, reason: Exclude<AuthFailureReason, 'missing'>, accountId?: string): void {
    const { address, failures, retryAfterS, shouldLog } = this.limits.add(ip, key);
    const keyHash = fingerprint(key).slice(0, 8);
    if (shouldLog) this.log.warn({ address, keyHash, reason, accountId, failures }, 'sign-in failed');
    if (retryAfterS !== undefined) throw this.rejected(retryAfterS);
    countAuthFailure(reason);
  }

  /** Counts a request without a key. It guesses nothing, so it is not limited. */
  recordMissing(): void {
    countAuthFailure('missing');
  }

  /** Whether one more wrong key would be one too many. */
  isOver({ ip }: Caller, key: string): boolean {
    return this.limits.isOver(ip, key);
  }

  /** The problem of a request that is rejected, counted. */
  rejected(retryAfterS: number): Problem {
    countAuthFailure('rate_limited');
    return new Problem('rate_limited', 'too many requests with wrong keys; check the key', undefined, retryAfterS);
  }
}

/** SHA-256 in hexadecimal: tells keys apart and gives none away. */
export function fingerprint(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
