/**
 * Svix's `idempotency-key`: a POST that is repeated with the same key gets the first answer, if that was a success.
 * Svix's clients make up a key for every POST and repeat it by themselves when an answer does not come. Source:
 * svix-server, src/core/idempotency.rs.
 */
import { createHash } from 'crypto';
import type { Request } from 'express';
import type { StoredAccount } from '../../store/accounts.js';
import type { Registrar } from '../registration.js';

/** What is answered to a request. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

/** Does the work of a request unless it was done before, in which case the first answer is given again. */
export type Once = (request: Request, account: StoredAccount, work: () => Promise<Answer>) => Promise<Answer>;

export function createOnce(registrar: Registrar): Once {
  /** Requests that are being worked on; a repetition that comes meanwhile waits for them. */
  const underWay = new Map<string, Promise<Answer>>();

  async function recallOrDo(account: StoredAccount, key: string, work: () => Promise<Answer>): Promise<Answer> {
    const before = await registrar.recall(account, key);
    if (before !== undefined) return before as Answer;
    const answer = await work();
    await registrar.remember(account, key, answer);
    return answer;
  }

  return (request, account, work) => {
    const given = request.get('idempotency-key');
    if (given === undefined) return work();
    const key = keyOf(request, given);
    const name = `${account.id} ${key}`;
    const answer = underWay.get(name) ?? recallOrDo(account, key, work).finally(() => underWay.delete(name));
    underWay.set(name, answer);
    return answer;
  };
}

/** A key counts for one address; hashed, because clients choose its length. */
function keyOf({ path }: Request, given: string): string {
  return `svix ${createHash('sha256')
    .update(`${path.replace(/\/$/, '')} ${given}`)
    .digest('hex')}`;
}
