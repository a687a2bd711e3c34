/** Addresses on which Pigeonpost itself listens. They are never receivers, whatever networks are allowed. */
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import { canonicalAddress } from './address.js';

/** Returns the addresses of a name that the operator configured. */
export type ResolveOwn = (hostname: string) => Promise<readonly string[]>;

/**
 * The ports of Pigeonpost, its database and Temporal. On this machine a port counts for all addresses, because it is
 * not always known on which of them a server listens.
 */
export class OwnListeners {
  readonly #hostsByPort = new Map<number, Set<string>>();

  /** @param host name or address, with or without brackets. */
  add(host: string, port: number): void {
    const hosts = this.#hostsByPort.get(port) ?? new Set();
    this.#hostsByPort.set(port, hosts.add(host.replace(/^\[(.*)\]$/, '$1')));
  }

  /**
   * Whether this address and port belong to one of them. Names are resolved at each call, because their addresses may
   * change; rejects when `resolve` does.
   */
  async includes(address: string, port: number, resolve: ResolveOwn): Promise<boolean> {
    const hosts = this.#hostsByPort.get(port);
    if (hosts === undefined) return false;
    const target = canonicalAddress(address);
    if (target === undefined) return true;
    const isHere = isThisMachine(target);
    for (const host of hosts) {
      const own = isIP(host) === 0 ? await resolve(host) : [host];
      if (own.some((each) => isSame(each, target, isHere))) return true;
    }
    return false;
  }
}

function isSame(own: string, target: string, targetIsHere: boolean): boolean {
  const canonical = canonicalAddress(own);
  return canonical === undefined || canonical === target || (targetIsHere && isThisMachine(canonical));
}

/** Whether an address, in canonical form, belongs to this machine. The unspecified address means loopback. */
function isThisMachine(canonical: string): boolean {
  const range = ipaddr.parse(canonical).range();
  if (range === 'loopback' || range === 'unspecified') return true;
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
  return interfaces.some(({ address }) => canonicalAddress(address) === canonical);
}
