/** Whether the certificates for Temporal can be used, before anything connects: native libraries' errors name no setting. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import type { ClientConnectConfig } from '@temporalio/envconfig';

const CLIENT_CERTIFICATE = 'TEMPORAL_TLS_CLIENT_CERT_…';
const CLIENT_KEY = 'TEMPORAL_TLS_CLIENT_KEY_…';
const SERVER_CA = 'TEMPORAL_TLS_SERVER_CA_CERT_…';

/** One line for each certificate or key that cannot be used. */
export function certificateProblems(tls: ClientConnectConfig['connectionOptions']['tls']): string[] {
  if (typeof tls !== 'object' || tls === null) return [];
  const problems: string[] = [];
  const read = <T>(parse: () => T, problem: string): T | undefined => {
    try {
      return parse();
    } catch {
      problems.push(problem);
      return undefined;
    }
  };
  const { serverRootCACertificate: authority, clientCertPair: pair } = tls;
  if (authority) read(() => new X509Certificate(authority), `${SERVER_CA} has no certificate: write PEM`);
  if (pair) {
    const certificate = read(
      () => new X509Certificate(pair.crt),
      `${CLIENT_CERTIFICATE} has no certificate: write PEM`,
    );
    const key = read(() => privateKey(pair.key), `${CLIENT_KEY} has no private key: write PEM without a passphrase`);
    if (certificate && key && !certificate.checkPrivateKey(key)) {
      problems.push(`${CLIENT_KEY} is not the key of ${CLIENT_CERTIFICATE}: set the two that were made together`);
    }
  }
  return problems;
}

const privateKey = (pem: Uint8Array): KeyObject => createPrivateKey(Buffer.from(pem));
