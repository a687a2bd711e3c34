/** Checks the URLs that requests are sent to. */
import { isIP } from 'node:net';
import type { AnyContract } from '../../contract/types.js';
import type { AddressGuard } from '../../egress/address.js';
import { invalidField } from '../../http/problem.js';
import type { ApiContext } from '../context.js';

/** Maximum length of a receiver's URL. */
const MAX_URL_LENGTH = 2_048;

export interface UrlRules {
  readonly allowHttp: boolean;
  readonly allowsAddress: AddressGuard;
  readonly allowPorts?: readonly number[];
  /** Whether the contract supports credentials in the URL. */
  readonly allowsCredentials: boolean;
  /** Whether the contract accepts a fragment, which is never sent. */
  readonly allowsFragment: boolean;
}

export function urlRules(
  { allowHttp, allowsAddress, allowPorts }: ApiContext,
  { allowsUrlCredentials, allowsUrlFragment = false }: AnyContract['subscriptions'],
): UrlRules {
  return {
    allowHttp,
    allowsAddress,
    allowPorts,
    allowsCredentials: allowsUrlCredentials,
    allowsFragment: allowsUrlFragment,
  };
}

/** A receiver's URL: as stored, without credentials, and parsed. */
export interface ReceiverUrl {
  readonly stored: string;
  readonly parsed: URL;
}

/** Checks a URL. Host names are resolved and checked when a request is sent, so only literal IP addresses fail here. */
export function checkReceiverUrl(given: string, rules: UrlRules, path = 'url'): ReceiverUrl {
  const fail = (message: string): never => {
    throw invalidField(path, message);
  };
  // The URL parser drops these silently, so the URL would not be what it seems.
  if (/[\s\p{Cc}\\]/u.test(given)) fail('must not hold white space, control characters or backslashes');
  if (given.length > MAX_URL_LENGTH) fail(`must not be longer than ${MAX_URL_LENGTH} characters`);
  if (!URL.canParse(given)) fail('must be an absolute URL such as https://example.com/webhooks');
  const parsed = new URL(given);
  // The URL parser accepts any number of slashes.
  if (!/^https?:\/\/[^/]/i.test(given)) fail('must begin with https:// or http:// and a host');
  if (parsed.protocol === 'http:' && !rules.allowHttp)
    fail('must begin with https:// (PIGEONPOST_ALLOW_HTTP allows http)');
  if (given.includes('#') && !rules.allowsFragment) fail('must not have a fragment (#…): it would not be sent');
  const hasCredentials = parsed.username !== '' || parsed.password !== '';
  if (hasCredentials && !rules.allowsCredentials) fail('must not hold a user or password; use headers for secrets');
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) && !rules.allowsAddress(host)) {
    fail(`${host} is not a public address (PIGEONPOST_ALLOW_NETWORKS allows networks)`);
  }
  const port = Number(parsed.port || (parsed.protocol === 'https:' ? 443 : 80));
  if (rules.allowPorts && !rules.allowPorts.includes(port)) {
    fail(`port ${port} is not allowed (PIGEONPOST_ALLOW_PORTS names those that are)`);
  }
  return { stored: hasCredentials ? withoutCredentials(parsed) : given, parsed };
}

function withoutCredentials(url: URL): string {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare.href;
}
