/**
 * Opens connections, and only to allowed addresses. The check is on the address that is connected to, so a later change
 * in DNS (rebinding) or another spelling in a URL cannot bypass it.
 */
import { once } from 'node:events';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import * as tls from 'node:tls';
import { createAddressGuard, type AddressGuard } from './address.js';
import { type Deadline } from './deadline.js';
import { createLookup, type Lookup } from './dns.js';
import { connectFailure, EgressFailure, lookupFailure, tlsFailure } from './failures.js';
import { LookupLimiter } from './lookup-limiter.js';
import { OwnListeners } from './own-listeners.js';
import { openTunnel, readProxy, type Proxy } from './proxy.js';
import { createSecureContexts } from './trust.js';
import type { ClientCertificate, EgressSettings, ResolveRule } from './types.js';

/** Destination of a connection, as in the URL. */
export interface Target {
  readonly secure: boolean;
  /** Host name or address, without brackets. */
  readonly hostname: string;
  readonly port: number;
}

/** Opens a connection, TLS included, for a request with this deadline. Rejects with an EgressFailure. */
export type OpenConnection = (target: Target, deadline: Deadline, client?: ClientCertificate) => Promise<Socket>;

/** How long one of several addresses may take before the next is tried, in milliseconds (RFC 8305). */
const ATTEMPT_TIMEOUT_MS = 500;

/** Idle time before TCP keep-alive probes, in milliseconds. */
const TCP_KEEP_ALIVE_MS = 60_000;

/** Account name for lookups of Pigeonpost's own servers; no account id has this form. */
const OPERATOR = 'operator';

const ADVICE = '(PIGEONPOST_ALLOW_NETWORKS allows networks)';

/** @throws Error when a network of the settings cannot be parsed. */
export function createConnector(settings: EgressSettings, lookup: Lookup = createLookup()): OpenConnection {
  const guard: Guard = {
    permits: createAddressGuard(settings.allowNetworks),
    own: settings.ownListeners ?? new OwnListeners(),
    lookups: new LookupLimiter(lookup),
  };
  const secureContexts = createSecureContexts(settings);
  const proxy = settings.proxy === undefined ? undefined : readProxy(settings.proxy);
  return async (target, deadline, client) => {
    if (settings.allowPorts && !settings.allowPorts.includes(target.port)) {
      throw new EgressFailure(
        'blocked',
        `Port ${target.port} is not allowed (PIGEONPOST_ALLOW_PORTS names those that are)`,
      );
    }
    const secureContext = target.secure ? secureContexts(client) : undefined;
    const destination = route(target, settings.resolve);
    const addresses = await addressesOf(destination, guard, deadline);
    const socket = proxy
      ? await openByProxy(proxy, addresses, destination.port, deadline)
      : await openTcp(addresses, destination, guard, deadline);
    return secureContext ? await startTls(socket, target.hostname, secureContext, deadline) : socket;
  };
}

/** The checks on where connections may go. */
interface Guard {
  readonly permits: AddressGuard;
  readonly own: OwnListeners;
  readonly lookups: LookupLimiter;
}

interface Route {
  /** Host name or address to connect to. */
  readonly host: string;
  readonly port: number;
  /** Error message when the address is not allowed. */
  readonly blocked: string;
}

function route({ hostname, port }: Target, rules: readonly ResolveRule[]): Route {
  const rule = rules.find((each) => canonicalHost(each.host) === canonicalHost(hostname) && each.port === port);
  if (rule !== undefined) {
    const blocked = `PIGEONPOST_RESOLVE sends ${hostname} to an address that is not public ${ADVICE}`;
    return { host: rule.address, port: rule.targetPort ?? port, blocked };
  }
  const blocked =
    isIP(hostname) === 0
      ? `${hostname} resolves to an address that is not public ${ADVICE}`
      : `${hostname} is not a public address ${ADVICE}`;
  return { host: hostname, port, blocked };
}

/** Names are compared without case and without the trailing dot that makes them absolute. */
function canonicalHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

/**
 * The addresses to connect to, all of them allowed. One forbidden address blocks the whole name: an honest name does
 * not mix them, and using only the allowed ones would let an attacker try again and again.
 */
async function addressesOf(
  { host, port, blocked }: Route,
  guard: Guard,
  deadline: Deadline,
): Promise<readonly string[]> {
  const isName = isIP(host) === 0;
  if (isName) deadline.stage = 'lookup';
  const addresses = isName ? await find(host, guard, deadline) : [host];
  for (const address of addresses) await check(address, port, blocked, guard, deadline);
  return addresses;
}

async function find(host: string, { lookups }: Guard, deadline: Deadline): Promise<readonly string[]> {
  try {
    const addresses = await lookups.find(host, deadline);
    if (addresses.length > 0) return addresses;
  } catch (error) {
    throw lookupFailure(error, host);
  }
  throw lookupFailure({ code: 'ENODATA' }, host);
}

/** Throws an EgressFailure when an address is not allowed. */
async function check(
  address: string,
  port: number,
  blocked: string,
  { permits, own, lookups }: Guard,
  { host, signal }: Deadline,
): Promise<void> {
  if (!permits(address)) throw new EgressFailure('blocked', blocked);
  // These names are the operator's; the lookups of accounts must not delay them.
  const resolve = (name: string) => lookups.find(name, { account: OPERATOR, signal });
  const isOwn = await own.includes(address, port, resolve).catch((error: unknown) => {
    if (signal.aborted) throw signal.reason;
    throw new EgressFailure('blocked', `Cannot check now whether ${host} is allowed`, { cause: error });
  });
  if (isOwn)
    throw new EgressFailure('blocked', `${host} is an address on which Pigeonpost itself listens, not a receiver`);
}

/** Several addresses are tried one after the other. */
async function openTcp(
  addresses: readonly string[],
  { host, port, blocked }: Route,
  guard: Guard,
  deadline: Deadline,
): Promise<Socket> {
  deadline.stage = 'connect';
  const socket = connectTcp({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_TIMEOUT_MS,
    // Node calls this for names only.
    lookup: (_hostname, _options, callback) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: isIP(address) })),
      ),
  });
  await opened(socket, 'connect', deadline, connectFailure);
  // Checks the socket's actual peer before a byte is sent: the system may map an address to another one, such as
  // 0.0.0.0 to loopback.
  const { remoteAddress } = socket;
  try {
    if (remoteAddress === undefined) throw new EgressFailure('reset', `${deadline.host} closed the connection`);
    await check(remoteAddress, port, blocked, guard, deadline);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/**
 * Opens a connection through a proxy to an address that was resolved and checked here; tries them one after the other.
 * So the guard applies as without a proxy, and the proxy's own name server has no effect.
 */
async function openByProxy(
  proxy: Proxy,
  addresses: readonly string[],
  port: number,
  deadline: Deadline,
): Promise<Socket> {
  for (const address of addresses.slice(0, -1)) {
    const socket = await openTunnel(proxy, address, port, deadline).catch(() => undefined);
    if (socket) return socket;
  }
  return openTunnel(proxy, addresses.at(-1)!, port, deadline);
}

/**
 * Starts TLS over an open connection, for the host name in the URL. Sessions are not resumed, because a resumed session
 * skips the check of the host name.
 */
async function startTls(
  tcp: Socket,
  hostname: string,
  secureContext: tls.SecureContext,
  deadline: Deadline,
): Promise<Socket> {
  deadline.stage = 'tls';
  const name = hostname.replace(/\.$/, '');
  const socket = tls.connect({
    socket: tcp,
    host: name,
    // Addresses are not allowed as server names (RFC 6066, section 3); the certificate is still checked for them.
    ...(isIP(name) === 0 && { servername: name }),
    secureContext,
    ALPNProtocols: ['http/1.1'],
    // Overrides NODE_TLS_REJECT_UNAUTHORIZED.
    rejectUnauthorized: true,
  });
  await opened(socket, 'secureConnect', deadline, tlsFailure);
  return socket;
}

/** Waits until a socket is open; one that fails or takes too long is destroyed. */
async function opened(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  { signal, host }: Deadline,
  explain: (error: unknown, host: string) => EgressFailure,
): Promise<void> {
  // Never removed: a late error without a listener would end the process.
  socket.on('error', () => undefined);
  try {
    await once(socket, event, { signal });
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? (signal.reason as EgressFailure) : explain(error, host);
  }
}
