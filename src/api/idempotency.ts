/** Idempotency keys: a repeated request gets the first response, also of calls whose response has a secret. */
import { createHash } from 'node:crypto';
import type { Request } from 'express';
import { z } from 'zod';
import { invalidField, Problem } from '../http/problem.js';
import { claimKey, findResponse, type IdempotentResponse } from '../store/events/idempotency.js';
import type { Queryable, Store } from '../store/store.js';

/** The header of requests that can be repeated. */
export const idempotencyKey = z.object({
  'Idempotency-Key': z.string().optional().describe('A repeated request with the same key gets the first response.'),
});

/** The idempotency key of a request; undefined without one. Throws a problem for one that is malformed. */
export function readIdempotencyKey(request: Request): string | undefined {
  const key = request.get('idempotency-key');
  if (key === undefined || /^[\x20-\x7e]{1,255}$/.test(key)) return key;
  throw invalidField('Idempotency-Key', 'must be 1 to 255 printable ASCII characters');
}

/** The problem of a key that was used for another request. */
export function keyReused(): Problem {
  return new Problem('idempotency_key_reused', 'this Idempotency-Key was used for another request');
}

/** Records the response of a request in the transaction that creates something. */
export type RecordResponse = (client: Queryable, response: unknown) => Promise<void>;

/** An account that has no other keys: what is created in no account. */
export const NO_ACCOUNT = '';

/**
 * Returns the response of `create`, which calls `record` with it in its transaction; a repeated request gets the response
 * that was recorded, and `create` is not called or is rolled back. The response is stored encrypted, as it has a secret.
 */
export async function createIdempotently<Response>(
  store: Store,
  request: Request,
  accountId: string,
  create: (record: RecordResponse) => Promise<Response>,
): Promise<unknown> {
  const given = readIdempotencyKey(request);
  if (given === undefined) return create(() => Promise.resolve());
  // A tab cannot be in a key, so this is never the key of a request with events.
  const key = `create\t${given}`;
  const rowId = `${accountId} ${key}`;
  const fingerprint = createHash('sha256')
    .update(request.bodyText ?? '')
    .digest();
  const findFirst = async (): Promise<{ readonly response: unknown } | undefined> => {
    const first = await findResponse(store, accountId, key);
    if (first && !first.fingerprint.equals(fingerprint)) throw keyReused();
    return first && { response: open(store, first, rowId) };
  };
  const first = await findFirst();
  if (first) return first.response;
  try {
    return await create(async (client, response) => {
      const sealed = store.box.seal(response, rowId).toString('base64');
      if (!(await claimKey(client, accountId, key, { fingerprint, response: { sealed } })))
        throw new Error('a concurrent request with this idempotency key was committed first');
    });
  } catch (error) {
    // What the concurrent request has created may also be why this one is refused.
    const concurrent = await findFirst();
    if (concurrent) return concurrent.response;
    throw error;
  }
}

function open({ box }: Store, { response }: IdempotentResponse, rowId: string): unknown {
  try {
    return box.open(Buffer.from((response as { sealed: string }).sealed, 'base64'), rowId);
  } catch {
    // Responses are short-lived, so a rotation of the encryption key does not encrypt them again.
    throw new Problem(
      'conflict',
      'a request with this Idempotency-Key was successful, but its response cannot be read after the change of the ' +
        'encryption key; list what exists',
    );
  }
}
