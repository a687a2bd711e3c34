/** What TLS connections are made with: authorities that count, versions that are spoken, the certificate to show. */
import { createHash } from 'node:crypto';
import * as tls from 'node:tls';
import { EgressFailure } from './failures.js';
import type { ClientCertificate, EgressSettings } from './types.js';

/** How many client certificates are kept ready; building a context takes many milliseconds. */
const MAX_KEPT = 100;

/** The context for a connection that shows this certificate, or none. */
export type SecureContexts = (client?: ClientCertificate) => tls.SecureContext;

/**
 * The certificate authorities that count are those of Node, and with `extraCa` those as well, which has to name both.
 * One context for all connections without a certificate of their own.
 */
export function createSecureContexts({ extraCa, tlsMinVersion }: EgressSettings): SecureContexts {
  // Since Node 22.15; also gives those of NODE_EXTRA_CA_CERTS and --use-system-ca.
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] };
  const common: tls.SecureContextOptions = {
    minVersion: tlsMinVersion ?? 'TLSv1.2',
    ...(extraCa === undefined ? {} : { ca: [...(getCACertificates?.('default') ?? tls.rootCertificates), extraCa] }),
  };
  const plain = tls.createSecureContext(common);
  const kept = new Map<string, tls.SecureContext>();
  return (client) => {
    if (client === undefined) return plain;
    const id = clientId(client);
    const context = kept.get(id) ?? withCertificate(common, client);
    kept.delete(id);
    kept.set(id, context);
    const [longestUnused] = kept.keys();
    if (kept.size > MAX_KEPT && longestUnused !== undefined) kept.delete(longestUnused);
    return context;
  };
}

/** Tells client certificates apart without showing a key. */
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
