/** Which custom headers a subscription may set. */

/** Headers that frame a message or belong to one connection (RFC 9110, section 7.6.1; RFC 9112). */
const FRAMING = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'te',
  'trailer',
  'upgrade',
  'expect',
]);
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
const VALUE = /^[\t\x20-\x7e]{0,4096}$/;
const MAX_HEADERS = 50;

/**
 * Why these custom headers cannot be sent, by header name; undefined when they can. `reserved` are names, lower case,
 * that the contract sends itself.
 */
export function checkHeaders(
  headers: Readonly<Record<string, string>>,
  reserved: readonly string[],
): { readonly name: string; readonly problem: string } | undefined {
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(headers)) {
    const problem = checkHeader(name, value, reserved);
    if (problem) return { name, problem };
    if (seen.size === seen.add(name.toLowerCase()).size) return { name, problem: 'is given twice' };
  }
  const [first] = seen;
  return seen.size > MAX_HEADERS
    ? { name: first ?? '', problem: `is one of more than ${MAX_HEADERS} headers` }
    : undefined;
}

function checkHeader(name: string, value: string, reserved: readonly string[]): string | undefined {
  if (!NAME.test(name)) return 'is not a header name: use letters, digits and hyphens';
  if (FRAMING.has(name.toLowerCase())) return 'frames the request and cannot be set';
  if (reserved.includes(name.toLowerCase())) return 'is set by the contract itself';
  if (!VALUE.test(value)) return 'has a value with control or non-ASCII characters, or longer than 4096';
  return undefined;
}
