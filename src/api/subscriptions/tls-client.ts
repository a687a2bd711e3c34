/** Client certificate of a subscription (mutual TLS): input, check and output. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { z } from 'zod';
import type { ClientCertificate } from '../../egress/types.js';
import { invalidField } from '../../http/problem.js';

const pem = z.string().max(65_536);

export const tlsClientInput = z
  .strictObject({
    certificate: pem.describe('PEM; may include intermediate certificates.'),
    privateKey: pem.describe('PEM, without a passphrase. Never shown.'),
  })
  .nullable()
  .optional()
  .describe('Client certificate (mutual TLS); null for none.');

export const tlsClientShown = z
  .object({ fingerprint: z.string().describe('SHA-256 of the certificate, in hexadecimal.') })
  .nullable()
  .describe('The client certificate.');

/** Checks that certificate and key are valid and belong together. */
export function checkTlsClient(given: ClientCertificate | null | undefined): void {
  if (!given) return;
  const certificate = read('certificate', 'must be a certificate in PEM', () => new X509Certificate(given.certificate));
  const key = read('privateKey', 'must be a private key in PEM, without a passphrase', () =>
    createPrivateKey(given.privateKey),
  );
  if (!certificate.checkPrivateKey(key)) {
    throw invalidField('tlsClient.privateKey', 'is not the key of this certificate');
  }
}

/** The visible part: the fingerprint. */
export function showTlsClient(client: ClientCertificate | undefined): z.output<typeof tlsClientShown> {
  return client === undefined ? null : { fingerprint: fingerprint(client) };
}

function fingerprint({ certificate }: ClientCertificate): string {
  return new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase();
}

function read<T>(field: string, message: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw invalidField(`tlsClient.${field}`, message);
  }
}
