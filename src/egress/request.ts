/** Checks on requests before anything is sent. */
import { EgressFailure } from './failures.js';
import type { EgressSettings, OutgoingRequest } from './types.js';

/** A request to one origin; a redirect creates another hop. */
export interface Hop {
  readonly url: URL;
  readonly headers: OutgoingRequest['headers'];
  readonly body: Buffer;
}

/** A token (RFC 9110, section 5.6.2). */
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Characters forbidden in header values: all but tabs, visible ASCII, spaces and Latin-1 (RFC 9110, section 5.5). */
const NOT_IN_HEADER_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** Headers about the connection or the message length; a second value would allow request smuggling. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Spaces and control characters, which the URL parser would silently remove. */
const NOT_IN_URL = /[\0-\x20\x7f]/;

/** @throws EgressFailure when the request breaks a rule of HTTP or of the settings. */
export function firstHop(request: OutgoingRequest, { allowHttp }: Pick<EgressSettings, 'allowHttp'>): Hop {
  const url = NOT_IN_URL.test(request.url) ? undefined : parseUrl(request.url);
  if (url === undefined) throw invalid('The URL is not an absolute http or https URL');
  if (url.protocol === 'http:' && !allowHttp) {
    throw new EgressFailure('blocked', `${url.host} has an http URL, not https (PIGEONPOST_ALLOW_HTTP allows it)`);
  }
  if (hasCredentials(url)) throw invalid('The URL contains credentials; send them in a header');
  for (const { name, value } of request.headers) checkHeader(name, value);
  return { url, headers: request.headers, body: Buffer.from(request.body) };
}

/** Parses a URL, relative to `base` if given; undefined when it is not an http or https URL. */
export function parseUrl(text: string, base?: URL): URL | undefined {
  if (!URL.canParse(text, base?.href)) return undefined;
  const url = new URL(text, base);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : undefined;
}

export function hasCredentials(url: URL): boolean {
  return url.username !== '' || url.password !== '';
}

function checkHeader(name: string, value: string): void {
  if (!HEADER_NAME.test(name)) throw invalid(`${JSON.stringify(name)} is not a header name`);
  if (OWN_HEADERS.has(name.toLowerCase())) throw invalid(`The header ${name} cannot be set; the HTTP client sets it`);
  // The value may be a secret, so it is not repeated.
  if (NOT_IN_HEADER_VALUE.test(value)) {
    throw invalid(`The value of the header ${name} contains a line break or another forbidden character`);
  }
}

function invalid(message: string): EgressFailure {
  return new EgressFailure('invalid_request', message);
}
