/** The API as the caller of a run sees it: a request may stay without a response. */

/** What came of one request; `hung` when nothing happened for longer than anyone should wait. */
export type Reply =
  | {
      readonly kind: 'response';
      readonly status: number;
      readonly body: unknown;
      readonly tookMs: number;
      /** The header of that name, as it was sent. */
      readonly retryAfter: string | null;
    }
  | { readonly kind: 'none'; readonly hung: boolean };

/** A response later than this counts as none, in milliseconds. */
export const MAX_WAIT_MS = 20_000;

export type Ask = (
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
  options?: { readonly key?: string; readonly hangsUpAfterMs?: number },
) => Promise<Reply>;

export function createApiClient(url: string, adminKey: string): Ask {
  return async (method, path, body, { key, hangsUpAfterMs } = {}) => {
    const began = performance.now();
    try {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${adminKey}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(key === undefined ? {} : { 'idempotency-key': key }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(hangsUpAfterMs ?? MAX_WAIT_MS),
      });
      const text = await response.text();
      const reply: unknown = text === '' ? undefined : JSON.parse(text);
      return {
        kind: 'response',
        status: response.status,
        body: reply,
        tookMs: performance.now() - began,
        retryAfter: response.headers.get('retry-after'),
      };
    } catch (error) {
      return { kind: 'none', hung: (error as Error).name === 'TimeoutError' && hangsUpAfterMs === undefined };
    }
  };
}
