/**
 * Headers that a subscription cannot set: the three signature headers, and those that Svix rejects by name
 * (svix-server/src/core/types/mod.rs, `FORBIDDEN_KEYS`).
 */
export const RESERVED_HEADERS: readonly string[] = [
  'svix-id',
  'svix-timestamp',
  'svix-signature',
  'user-agent',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailers',
  'transfer-encoding',
  'upgrade',
  'age',
  'cache-control',
  'clear-site-data',
  'expires',
  'pragma',
  'warning',
  'content-length',
  'content-type',
  'content-encoding',
  'content-language',
  'content-location',
];
