/** Which way of signing the headers of requests show. Pure. */

/**
 * Where requests are signed as Standard Webhooks 1.0.0 says, what the names of the headers begin with: `webhook` of
 * `webhook-id`, `webhook-timestamp` and `webhook-signature`. Undefined for any other way.
 */
export function messagePrefix(headers: readonly string[]): string | undefined {
  const prefix = /^([a-z]+)-id$/.exec(headers[0] ?? '')?.[1];
  const expected = ['id', 'timestamp', 'signature'].map((name) => `${prefix}-${name}`);
  return prefix !== undefined && headers.join() === expected.join() ? prefix : undefined;
}

/** A program for headers whose names begin with something else than `webhook`. */
export function withPrefix(program: string, prefix: string): string {
  return program.replaceAll(/\bwebhook-(?=id|timestamp|signature)/g, `${prefix}-`);
}
