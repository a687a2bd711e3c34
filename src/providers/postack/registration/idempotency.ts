/**
 * Svix's `idempotency-key`: a POST that is repeated with the same key gets the first response, if that was a success.
 * Svix's clients generate a key for every POST and retry it themselves when no response arrives. Source: svix-server,
 * src/core/idempotency.rs.
 */
import type { Request } from 'express';
import { createHash } from 'node:crypto';
import type { StoredAccount } from '../../../store/accounts/accounts.js';
import type { Registrar } from '../../registration.js';

/** The response of a handler, stored for repeated requests. */
export interface HandlerResult {
  readonly status: number;
  readonly body?: unknown;
}

/** Handles a request unless it was handled before; a repeated request gets the first response. */
export type Once = (
  request: Request,
  account: StoredAccount,
  handle: () => Promise<HandlerResult>,
) => Promise<HandlerResult>;

export function createOnce(registrar: Registrar): Once {
  /** Requests in progress; a concurrent repeat waits for the first one. */
  const inFlight = new Map<string, Promise<HandlerResult>>();

  async function recallOrHandle(
    account: StoredAccount,
    key: string,
    handle: () => Promise<HandlerResult>,
  ): Promise<HandlerResult> {
    const before = await registrar.recall(account, key);
    if (before !== undefined) return before as HandlerResult;
    const response = await handle();
    await registrar.remember(account, key, response);
    return response;
  }

  return (request, account, handle) => {
    const key = idempotencyKeyOf(request);
    if (key === undefined) return handle();
    const name = `${account.id} ${key}`;
    const response = inFlight.get(name) ?? recallOrHandle(account, key, handle).finally(() => inFlight.delete(name));
    inFlight.set(name, response);
    return response;
  };
}

/**
 * The key that identifies a repeated request; undefined when there is none. Older clients send no idempotency key, but
 * some of them send a `svix-req-id` that is the same in their retries (npm svix 1.60.1, `dist/request.js`). A key
 * applies to one path. It is hashed, because clients choose its length.
 */
export function idempotencyKeyOf(request: Request): string | undefined {
  const key = request.get('idempotency-key');
  const requestId = request.get('svix-req-id');
  if (key === undefined && requestId === undefined) return undefined;
  const input = key ?? `svix-req-id ${requestId}`;
  const hash = createHash('sha256').update(`${request.path.replace(/\/$/, '')} ${input}`);
  return `svix ${hash.digest('hex')}`;
}
