/**
 * Opens connections, and only to addresses that may be reached: this is where names have become addresses for good, so
 * nothing that DNS or a URL says differently before or after can get around it.
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

/** Where a connection is to go, as the URL says. */
export interface Target {
  readonly secure: boolean;
  /** Host name or address, without brackets. */
  readonly hostname: string;
  readonly port: number;
}

/** Opens a connection, TLS included, for a request with this deadline. Rejects with an EgressFailure. */
export type OpenConnection = (target: Target, deadline: Deadline, client?: ClientCertificate) => Promise<Socket>;

/** How long one of several addresses of a name may take before the next one is tried, in milliseconds (RFC 8305). */
const ATTEMPT_TIMEOUT_MS = 500;

/** When to ask an idle peer whether it is still there, in milliseconds. */
const TCP_KEEP_ALIVE_MS = 60_000;

/** Whose lookups those of our own servers' names are; no account's id looks like this. */
const OPERATOR = 'operator';

const ADVICE = '(PIGEONPOST_ALLOW_NETWORKS allows networks)';

/** @throws Error when a network of the settings cannot be read. */
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
    const way = route(target, settings.resolve);
    const addresses = await addressesOf(way, guard, deadline);
    const socket = proxy
      ? await openByProxy(proxy, addresses, way.port, deadline)
      : await openTcp(addresses, way, guard, deadline);
    return secureContext ? await startTls(socket, target.hostname, secureContext, deadline) : socket;
  };
}

/** What decides where connections may go. */
interface Guard {
  readonly permits: AddressGuard;
  readonly own: OwnListeners;
  readonly lookups: LookupLimiter;
}

interface Route {
  /** Host name or address to connect to. */
  readonly host: string;
  readonly port: number;
  /** What to say when the address may not be reached. */
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

/** Names compare without case and without the full stop that makes them absolute. */
function canonicalHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

/**
 * The addresses to connect to, each of which may be reached. One that may not condemns the whole name: no honest name
 * mixes them, and picking the good ones would let the receiver try again and again.
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

/** Throws an EgressFailure unless an address may be reached. */
async function check(
  address: string,
  port: number,
  blocked: string,
  { permits, own, lookups }: Guard,
  { host, signal }: Deadline,
): Promise<void> {
  if (!permits(address)) throw new EgressFailure('blocked', blocked);
  // Those are names of the operator, which no account's lookups may delay.
  const resolve = (name: string) => lookups.find(name, { account: OPERATOR, signal });
  const isOwn = await own.includes(address, port, resolve).catch((error: unknown) => {
    if (signal.aborted) throw signal.reason;
    throw new EgressFailure('blocked', `Whether ${host} may be reached cannot be told now`, { cause: error });
  });
  if (isOwn) throw new EgressFailure('blocked', `${host} is where Pigeonpost itself listens; no receiver is there`);
}

/** Several addresses are tried in turn. */
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
    // Asked for names only.
    lookup: (_hostname, _options, callback) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: isIP(address) })),
      ),
  });
  await opened(socket, 'connect', deadline, connectFailure);
  // What the socket says it is connected to has the last word, before a byte is sent: the system may take an address
  // for another one, as it takes 0.0.0.0 for loopback.
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
 * A connection through a proxy to an address that was looked up and judged here, one after the other until one answers.
 * The guard holds as it does without a proxy, whatever the proxy's own name server says.
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
 * TLS over an open connection, for the host that the URL names, whatever address it led to. Sessions are not resumed: a
 * resumed one would skip the check of the host name.
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
    // Addresses are not allowed as server names (RFC 6066, section 3); the certificate is checked for them all the same.
    ...(isIP(name) === 0 && { servername: name }),
    secureContext,
    ALPNProtocols: ['http/1.1'],
    // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
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
  // Stays: an error that comes when nobody waits any more must not end the process.
  socket.on('error', () => undefined);
  try {
    await once(socket, event, { signal });
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? (signal.reason as EgressFailure) : explain(error, host);
  }
}
