/**
 * Opens connections, and only to addresses that may be reached: this is where names have become addresses for good, so
 * nothing that DNS or a URL says differently before or after can get around it.
 */
import { lookup as systemLookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import * as tls from 'node:tls';
import { createAddressGuard, type AddressGuard } from './address.js';
import { type Deadline } from './deadline.js';
import { connectFailure, EgressFailure, lookupFailure, tlsFailure } from './failures.js';
import { openTunnel, readProxy, type Proxy } from './proxy.js';
import { createSecureContexts } from './trust.js';
import type { ClientCertificate, EgressSettings, ResolveRule } from './types.js';

/** All addresses of a host name; rejects as `dns.lookup` does. */
export type Lookup = (hostname: string) => Promise<readonly string[]>;

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

const ADVICE = '(PIGEONPOST_ALLOW_NETWORKS allows networks)';

/** @throws Error when a network of the settings cannot be read. */
export function createConnector(settings: EgressSettings, lookup: Lookup = lookupBySystem): OpenConnection {
  const permits = createAddressGuard(settings.allowNetworks);
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
    const socket = proxy
      ? await openByProxy(proxy, way, permits, lookup, deadline)
      : await openTcp(way, permits, lookup, deadline);
    return secureContext ? await startTls(socket, target.hostname, secureContext, deadline) : socket;
  };
}

async function lookupBySystem(hostname: string): Promise<string[]> {
  return (await systemLookup(hostname, { all: true })).map(({ address }) => address);
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

async function openTcp(
  { host, port, blocked }: Route,
  permits: AddressGuard,
  lookup: Lookup,
  deadline: Deadline,
): Promise<Socket> {
  // Sockets ask no lookup function about addresses, so those are judged here.
  if (isIP(host) !== 0 && !permits(host)) throw new EgressFailure('blocked', blocked);
  deadline.stage = isIP(host) === 0 ? 'lookup' : 'connect';
  const socket = connectTcp({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_TIMEOUT_MS,
    lookup: guardedLookup(lookup, permits, blocked, deadline),
  });
  await opened(socket, 'connect', deadline, connectFailure);
  // What the socket says it is connected to has the last word, before a byte is sent: the system may take an address
  // for another one, as it takes 0.0.0.0 for loopback.
  const { remoteAddress } = socket;
  if (remoteAddress !== undefined && permits(remoteAddress)) return socket;
  socket.destroy();
  throw remoteAddress === undefined
    ? new EgressFailure('reset', `${deadline.host} closed the connection`)
    : new EgressFailure('blocked', blocked);
}

/**
 * A connection through a proxy to an address that was looked up and judged here, one after the other until one answers.
 * The guard holds as it does without a proxy, whatever the proxy's own name server says.
 */
async function openByProxy(
  proxy: Proxy,
  { host, port, blocked }: Route,
  permits: AddressGuard,
  lookup: Lookup,
  deadline: Deadline,
): Promise<Socket> {
  deadline.stage = 'lookup';
  const addresses = isIP(host) === 0 ? await beforeDeadline(lookup(host), host, deadline) : [host];
  if (addresses.length === 0) throw lookupFailure({ code: 'ENODATA' }, host);
  if (!addresses.every(permits)) throw new EgressFailure('blocked', blocked);
  for (const address of addresses.slice(0, -1)) {
    const socket = await openTunnel(proxy, address, port, deadline).catch(() => undefined);
    if (socket) return socket;
  }
  return openTunnel(proxy, addresses.at(-1)!, port, deadline);
}

function beforeDeadline(
  addresses: Promise<readonly string[]>,
  host: string,
  { signal }: Deadline,
): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason as EgressFailure);
    if (signal.aborted) return giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    addresses
      .then(resolve, (error: unknown) => reject(lookupFailure(error, host)))
      .finally(() => signal.removeEventListener('abort', giveUp));
  });
}

/**
 * Looks a name up for a socket and hands out its addresses if each of them may be reached. One that may not condemns the
 * whole name: no honest name mixes them, and picking the good ones would let the receiver try again and again.
 */
function guardedLookup(lookup: Lookup, permits: AddressGuard, blocked: string, deadline: Deadline): LookupFunction {
  return (hostname, _options, callback) => {
    lookup(hostname).then(
      (addresses) => {
        if (addresses.length === 0) return callback(lookupFailure({ code: 'ENODATA' }, hostname), []);
        if (!addresses.every(permits)) return callback(new EgressFailure('blocked', blocked), []);
        deadline.stage = 'connect';
        callback(
          null,
          addresses.map((address) => ({ address, family: isIP(address) })),
        );
      },
      (error: unknown) => callback(lookupFailure(error, hostname), []),
    );
  };
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
