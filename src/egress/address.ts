/**
 * Decides which IP addresses requests may go to: public ones, and the networks that the operator allows.
 *
 * Sources: IANA's IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890) and IPv6 Global Unicast Assignments.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type IPv4 = ipaddr.IPv4;
type IPv6 = ipaddr.IPv6;

/**
 * Not in IANA's registries, yet not public: machines of one cloud reach the platform's agent (metadata, certificates)
 * here. The metadata addresses of all other clouds are in a link-local, private or shared range.
 */
const PLATFORM_AGENT = ipaddr.IPv4.parseCIDR('168.63.129.16/32');

/** The only IPv6 block that IANA hands out for global unicast (RFC 4291, section 2.4; RFC 3587). */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/** Networks inside 2000::/3 that are not for hosts of the public internet. */
const NOT_PUBLIC_UNICAST = [
  '2001::/23', // IETF protocol assignments (RFC 2928): Teredo 2001::/32 (RFC 4380), benchmarking 2001:2::/48, ORCHID
  '2001:db8::/32', // documentation (RFC 3849)
  '2002::/16', // 6to4 (RFC 3056, RFC 7526): a relay unwraps it to the IPv4 address inside
  '2620:4f:8000::/48', // AS112 sinks (RFC 7534)
  '3fff::/20', // documentation (RFC 9637)
].map((network) => ipaddr.IPv6.parseCIDR(network));

/** NAT64 addresses of IPv4 hosts (RFC 6052, section 2.1); a DNS64 resolver synthesizes them for IPv6-only hosts. */
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');

/** IPv4-mapped IPv6 addresses (RFC 4291, section 2.5.5.2); a connection to one uses IPv4. */
const IPV4_MAPPED = ipaddr.IPv6.parseCIDR('::ffff:0:0/96');

/** Returns whether requests may be sent to an IPv4 or IPv6 address. */
export type AddressGuard = (address: string) => boolean;

/**
 * Whether a text is a globally reachable unicast IPv4 or IPv6 address. False for a text that is no address, has a zone,
 * or is written in a form other than four decimal parts or RFC 4291's.
 */
export function isPublicAddress(address: string): boolean {
  const parsed = parse(address);
  return parsed !== undefined && isPublic(parsed);
}

/**
 * A guard that allows public addresses and those in the given networks (CIDR notation or single addresses). A network
 * of IPv4 addresses also covers their IPv4-mapped form.
 *
 * @throws Error when one of the networks cannot be parsed.
 */
export function createAddressGuard(allowNetworks: readonly string[]): AddressGuard {
  const networks = allowNetworks.map(parseNetwork);
  return (address) => {
    const parsed = parse(address);
    return parsed !== undefined && (isPublic(parsed) || networks.some((network) => contains(network, parsed)));
  };
}

/**
 * One spelling for all addresses of the same host: IPv4-mapped and NAT64 addresses become the IPv4 address in them.
 * Undefined for a text that is no address.
 */
export function canonicalAddress(address: string): string | undefined {
  const parsed = parse(address);
  return parsed instanceof ipaddr.IPv6 && parsed.match(NAT64) ? embeddedIPv4(parsed).toString() : parsed?.toString();
}

/** An IPv4-mapped address becomes the IPv4 address in it, so that both are classified in the same way. */
function parse(address: string): IPv4 | IPv6 | undefined {
  const parsed = parseExactly(address);
  return parsed instanceof ipaddr.IPv6 && parsed.match(IPV4_MAPPED) ? embeddedIPv4(parsed) : parsed;
}

/**
 * Parses an address as the system does when it connects to it. The library alone is too lenient: it accepts 0x7f.1 and
 * 017700000001 as IPv4, accepts zones, and reads ::8.8.8.8 (IPv4-compatible) as ::ffff:8.8.8.8 (IPv4-mapped), which is
 * another address. The URL parser writes the last four parts in hexadecimal, which is unambiguous.
 */
function parseExactly(address: string): IPv4 | IPv6 | undefined {
  if (address.includes('%')) return undefined;
  const version = isIP(address);
  if (version === 0) return undefined;
  return version === 4
    ? ipaddr.IPv4.parse(address)
    : ipaddr.IPv6.parse(new URL(`http://[${address}]`).hostname.slice(1, -1));
}

function isPublic(address: IPv4 | IPv6): boolean {
  return address instanceof ipaddr.IPv4 ? isPublicIPv4(address) : isPublicIPv6(address);
}

function isPublicIPv4(address: IPv4): boolean {
  return address.range() === 'unicast' && !address.match(PLATFORM_AGENT);
}

/**
 * Accepts only 2000::/3 and so rejects, without naming them: unspecified, loopback, IPv4-compatible (::/96),
 * SIIT (::ffff:0:0:0/96, RFC 2765), local-use NAT64 (64:ff9b:1::/48, RFC 8215), discard-only (100::/64, RFC 6666),
 * segment routing (5f00::/16, RFC 9602), unique local (fc00::/7), link-local (fe80::/10), site-local (fec0::/10),
 * multicast (ff00::/8) and unassigned networks.
 */
function isPublicIPv6(address: IPv6): boolean {
  if (address.match(NAT64)) return isPublicIPv4(embeddedIPv4(address));
  if (!address.match(GLOBAL_UNICAST) || NOT_PUBLIC_UNICAST.some((network) => address.match(network))) return false;
  return address.range() === 'unicast' && (!isIsatap(address) || isPublicIPv4(embeddedIPv4(address)));
}

/**
 * Whether the interface id is ISATAP's: 0:5efe or 200:5efe and an IPv4 address (RFC 5214, section 6.1). A router may
 * tunnel to that address. The universal and group bits may have any value.
 */
function isIsatap(address: IPv6): boolean {
  const [, , , , first = 0, second] = address.parts;
  return (first & ~0x0300) === 0 && second === 0x5efe;
}

/** The IPv4 address in the last 32 bits. */
function embeddedIPv4(address: IPv6): IPv4 {
  return new ipaddr.IPv4(address.toByteArray().slice(12));
}

function parseNetwork(text: string): [IPv4 | IPv6, number] {
  const [address = '', length, ...more] = text.split('/');
  const parsed = parseExactly(address);
  const bits = parsed?.kind() === 'ipv4' ? 32 : 128;
  const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : NaN;
  if (parsed === undefined || more.length > 0 || !(prefix <= bits)) {
    throw new Error(`Not a network in CIDR notation: ${text}`);
  }
  if (parsed instanceof ipaddr.IPv6 && parsed.match(IPV4_MAPPED) && prefix >= 96) {
    return [embeddedIPv4(parsed), prefix - 96];
  }
  return [parsed, prefix];
}

function contains([network, prefix]: [IPv4 | IPv6, number], address: IPv4 | IPv6): boolean {
  return network.kind() === address.kind() && address.match(network, prefix);
}
