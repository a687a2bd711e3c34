/** A certificate of the demo's own, so that contracts that demand https can be tried against local receivers. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** A name that no one can own (RFC 6761); the demo maps it to this machine. */
export const DEMO_HOST = 'hooks.pigeonpost.test';

export interface DemoCertificate {
  readonly key: string;
  readonly cert: string;
  /** A file with the certificate, to be trusted by the demo's Pigeonpost only. */
  readonly file: string;
}

/** Makes a certificate that is valid for a day and lies in `folder`. */
export async function makeCertificate(folder: string): Promise<DemoCertificate> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: DEMO_HOST }], {
    notAfterDate: new Date(Date.now() + 24 * 3_600_000),
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: DEMO_HOST }] }],
  });
  const file = join(folder, 'demo-certificate.pem');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(file, cert);
  return { key, cert, file };
}
