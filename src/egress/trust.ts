/** TLS settings of connections: certificate authorities, minimum version and client certificate. */
import { createHash } from 'node:crypto';
import * as tls from 'node:tls';
import { EgressFailure } from './failures.js';
import type { ClientCertificate, EgressSettings } from './types.js';

/** Maximum number of cached contexts; creating one takes many milliseconds. */
const MAX_CACHED = 100;

/** Returns the context for a connection with this client certificate, or with none. */
export type SecureContexts = (client?: ClientCertificate) => tls.SecureContext;

/**
 * Trusts Node's certificate authorities and `extraCa`. All connections without a client certificate share one context.
 */
export function createSecureContexts({ extraCa, tlsMinVersion }: EgressSettings): SecureContexts {
  // Since Node 22.15; includes NODE_EXTRA_CA_CERTS and --use-system-ca.
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] };
  const common: tls.SecureContextOptions = {
    minVersion: tlsMinVersion ?? 'TLSv1.2',
    ...(extraCa === undefined ? {} : { ca: [...(getCACertificates?.('default') ?? tls.rootCertificates), extraCa] }),
  };
  const plain = tls.createSecureContext(common);
  const cached = new Map<string, tls.SecureContext>();
  return (client) => {
    if (client === undefined) return plain;
    const id = clientId(client);
    const context = cached.get(id) ?? withCertificate(common, client);
    cached.delete(id);
    cached.set(id, context);
    const [longestUnused] = cached.keys();
    if (cached.size > MAX_CACHED && longestUnused !== undefined) cached.delete(longestUnused);
    return context;
  };
}

/** Identifies a client certificate without revealing its key. */
export function clientId({ certificate, privateKey }: ClientCertificate): string {
  return createHash('sha256').update(certificate).update('\0').update(privateKey).digest('base64url');
}

function withCertificate(common: tls.SecureContextOptions, client: ClientCertificate): tls.SecureContext {
  try {
    return tls.createSecureContext({ ...common, cert: client.certificate, key: client.privateKey });
  } catch (error) {
    throw new EgressFailure('invalid_request', 'The client certificate of the subscription cannot be used', {
      cause: error,
    });
  }
}
