import { EMBEDDED_NETWORKS } from './defaults.js';
import { certificates, flag, networks, oneOf, pins, portList, proxyUrl, type SettingDefinition } from './formats.js';

/** Settings of what is sent to receivers. */
export const egressSettings = {
  PIGEONPOST_ALLOW_NETWORKS: {
    description:
      'Private networks that receivers may be in: CIDR blocks or addresses, comma separated, or none. Public addresses need no entry.',
    default: `${EMBEDDED_NETWORKS.join(',')} when PostgreSQL and Temporal are embedded, none otherwise`,
    schema: networks,
  },
  PIGEONPOST_ALLOW_HTTP: {
    description: 'Whether http:// URLs of receivers are allowed too.',
    default: 'true when PostgreSQL and Temporal are embedded, false otherwise',
    schema: flag,
  },
  PIGEONPOST_RESOLVE: {
    description:
      'Where to connect for some hosts, whatever DNS says: host:port:address[:port], comma separated, IPv6 addresses in brackets.',
    schema: pins,
  },
  PIGEONPOST_CA_FILE: {
    description: 'PEM file with certificate authorities to trust for receivers, besides the usual ones.',
    schema: certificates,
  },
  PIGEONPOST_ALLOW_PORTS: {
    description: 'Allowed ports of receivers, comma separated.',
    default: 'any',
    schema: portList,
  },
  PIGEONPOST_TLS_MIN_VERSION: {
    description: 'Oldest TLS version for connections to receivers: TLSv1.2 or TLSv1.3.',
    default: 'TLSv1.2',
    schema: oneOf(['TLSv1.2', 'TLSv1.3']),
  },
  PIGEONPOST_EGRESS_PROXY: {
    description:
      'HTTP proxy to reach receivers through (CONNECT), http://user:password@host:port; it gets addresses, not names.',
    secret: true,
    schema: proxyUrl,
  },
} as const satisfies Record<string, SettingDefinition>;
