/**
 * Names to addresses, by queries of our own (c-ares).
 *
 * The system's getaddrinfo blocks one of libuv's few threads until the name server answers, and nothing can end it: a
 * handful of names whose name server is silent stops the lookups, and the file access, of the whole process. Queries of
 * c-ares are sockets with a deadline. It reads neither the hosts file nor search domains, so both are read here; what
 * else nsswitch.conf may list (mDNS, LDAP) is not asked.
 */
import { Resolver } from 'node:dns/promises';
import { errorCode } from '../lib/errors.js';
import { cachedFile, candidatesFor, parseHosts, parseSearchRules } from './system-names.js';

/** All addresses of a host name. Rejects with an error whose code is one of `dns.resolve` or `dns.lookup`. */
export type Lookup = (hostname: string) => Promise<readonly string[]>;

export interface LookupOptions {
  /** Name servers as `address` or `address:port`; those of the system when absent. */
  readonly servers?: readonly string[];
  readonly hostsFile?: string;
  readonly resolvConf?: string;
  /** For a whole lookup, in milliseconds. */
  readonly timeoutMs?: number;
}

/** For a whole lookup, in milliseconds. */
const LOOKUP_TIMEOUT_MS = 6_000;
/** For the first try at a name server, in milliseconds; c-ares takes longer for later ones. */
const TRY_TIMEOUT_MS = 2_000;
const MAX_TRIES = 3;

/** What says that a name has no address; anything else may pass (RFC 1035, section 4.1.1). */
const NO_SUCH_NAME: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME']);

/** What `localhost` is where the hosts file does not say (RFC 6761, section 6.3). */
const LOCALHOST = ['127.0.0.1', '::1'];

/** A lookup by the hosts file and the name servers of this machine. */
export function createLookup({
  servers,
  hostsFile = '/etc/hosts',
  resolvConf = '/etc/resolv.conf',
  timeoutMs = LOOKUP_TIMEOUT_MS,
}: LookupOptions = {}): Lookup {
  const readHosts = cachedFile(hostsFile, parseHosts);
  const readSearchRules = cachedFile(resolvConf, parseSearchRules);
  return async (hostname) => {
    const name = hostname.toLowerCase().replace(/\.$/, '');
    const listed = (await readHosts()).get(name) ?? (name === 'localhost' ? LOCALHOST : undefined);
    if (listed !== undefined) return listed;
    return resolveFirst(candidatesFor(hostname, await readSearchRules()), servers, timeoutMs);
  };
}

/**
 * The addresses of the first of these names that has some. One resolver for each lookup, so that ending it ends no
 * other and no lookup hears of name servers that were silent to another; making one takes a seventh of a millisecond.
 */
async function resolveFirst(
  names: readonly string[],
  servers: readonly string[] | undefined,
  timeoutMs: number,
): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: TRY_TIMEOUT_MS, tries: MAX_TRIES });
  if (servers !== undefined) resolver.setServers(servers);
  const deadline = AbortSignal.timeout(timeoutMs);
  const cancel = (): void => resolver.cancel();
  deadline.addEventListener('abort', cancel, { once: true });
  try {
    let failure: unknown;
    for (const name of names) {
      const outcome = await resolveBoth(resolver, name);
      if ('addresses' in outcome) return outcome.addresses;
      if (failure === undefined || isNoSuchName(failure)) failure = outcome.failure;
      if (deadline.aborted) break;
    }
    throw failure;
  } finally {
    deadline.removeEventListener('abort', cancel);
  }
}

/** IPv4 addresses first. One kind is enough: a name server may be silent about the other. */
async function resolveBoth(
  resolver: Resolver,
  name: string,
): Promise<{ readonly addresses: readonly string[] } | { readonly failure: unknown }> {
  const outcomes = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const addresses = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
  if (addresses.length > 0) return { addresses };
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  return { failure: failures.find((failure) => !isNoSuchName(failure)) ?? failures[0] };
}

function isNoSuchName(error: unknown): boolean {
  return NO_SUCH_NAME.has(errorCode(error) ?? '');
}
