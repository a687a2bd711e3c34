/**
 * Resolves host names with c-ares instead of getaddrinfo.
 *
 * getaddrinfo blocks one of libuv's few threads until the name server responds and cannot be cancelled, so a few names
 * with an unresponsive name server would stop all lookups and file access of the process. c-ares uses sockets and has
 * timeouts. It reads neither the hosts file nor search domains, so both are read here. Other sources in nsswitch.conf
 * (mDNS, LDAP) are not used.
 */
import { Resolver } from 'node:dns/promises';
import { errorCode } from '../lib/errors.js';
import { cachedFile, candidatesFor, parseHosts, parseSearchRules } from './system-names.js';

/** Returns all addresses of a host name. Rejects with an error that has a code of `dns.resolve` or `dns.lookup`. */
export type Lookup = (hostname: string) => Promise<readonly string[]>;

export interface LookupOptions {
  /** Name servers as `address` or `address:port`; the system's when absent. */
  readonly servers?: readonly string[];
  readonly hostsFile?: string;
  readonly resolvConf?: string;
  /** Time limit of a whole lookup, in milliseconds. */
  readonly timeoutMs?: number;
}

/** Time limit of a whole lookup, in milliseconds. */
const LOOKUP_TIMEOUT_MS = 6_000;
/** Timeout of the first query to a name server, in milliseconds; c-ares uses longer ones for retries. */
const TRY_TIMEOUT_MS = 2_000;
const MAX_TRIES = 3;

/** Codes that mean that a name has no address; all others may be temporary (RFC 1035, section 4.1.1). */
const NO_SUCH_NAME: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME']);

/** Addresses of `localhost` when the hosts file has no entry (RFC 6761, section 6.3). */
const LOCALHOST = ['127.0.0.1', '::1'];

/** A lookup that uses the hosts file and the name servers of this machine. */
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
 * The addresses of the first of these names that has any. Each lookup has its own resolver, so that cancelling it
 * affects no other lookup and no state about unresponsive name servers is shared. Creating one takes about 0.14 ms.
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

/** IPv4 addresses first. One family is enough: a name server may not respond for the other. */
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
