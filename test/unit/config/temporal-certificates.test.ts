/** Certificates for Temporal: what cannot be used is named by its setting, before anything connects. */
import { generate } from 'selfsigned';
import { ConfigError, loadConfig } from '../../../src/config/config.js';

type Pair = Awaited<ReturnType<typeof generate>>;

let ours: Pair;
let others: Pair;
beforeAll(async () => {
  [ours, others] = (await Promise.all(
    ['ours', 'others'].map((value) => generate([{ name: 'commonName', value }], { keyType: 'ec' })),
  )) as [Pair, Pair];
});

function problems(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadConfig({ TEMPORAL_ADDRESS: 'a:1', HOME: '/nowhere', ...env });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const pair = (cert: string, key: string) => ({
  TEMPORAL_TLS_CLIENT_CERT_DATA: cert,
  TEMPORAL_TLS_CLIENT_KEY_DATA: key,
});

test('a pair and an authority that can be used are taken', () => {
  expect(problems({ ...pair(ours.cert, ours.private), TEMPORAL_TLS_SERVER_CA_CERT_DATA: others.cert })).toEqual([]);
});

test('each that is no PEM is named', () => {
  expect(problems({ ...pair('x', 'y'), TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'z' })).toEqual([
    'TEMPORAL_TLS_SERVER_CA_CERT_… has no certificate: write PEM',
    'TEMPORAL_TLS_CLIENT_CERT_… has no certificate: write PEM',
    'TEMPORAL_TLS_CLIENT_KEY_… has no private key: write PEM without a passphrase',
  ]);
});

test('a certificate with the key of another is refused', () => {
  expect(problems(pair(ours.cert, others.private))).toEqual([
    'TEMPORAL_TLS_CLIENT_KEY_… is not the key of TEMPORAL_TLS_CLIENT_CERT_…: set the two that were made together',
  ]);
});

test('a file that is not there is named with its path', () => {
  const [problem, ...others] = problems({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere/ca.pem' });
  expect(problem).toMatch(/TEMPORAL_.*\/nowhere\/ca\.pem/);
  expect(others).toEqual([]);
});
