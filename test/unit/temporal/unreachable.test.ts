/** Error texts of the native library, and the setting that each means. */
import { isDenied, temporalUnreachable } from '../../../src/temporal/unreachable.js';

const ADDRESS = 'hooks.a1b2c.tmprl.cloud:7233';
const certificate = { clientCertPair: { crt: Buffer.from(''), key: Buffer.from('') } };
const closed = (kind: string): string =>
  `Failed to call GetSystemInfo: code: 'Unknown error', message: "transport error", source: tonic::transport::Error(Transport, hyper::Error(Io, ${kind}))`;
const CANCELED =
  'Failed to call GetSystemInfo: code: \'The operation was cancelled\', message: "operation was canceled", source: tonic::transport::Error(Transport, hyper::Error(Canceled, "connection closed"))';
const connect = (kind: string): string => `tonic::transport::Error(Transport, ConnectError(Custom { error: ${kind} }))`;

test.each([
  [closed('"received fatal alert: CertificateRequired"'), true, 'it requires a client certificate', 'CLIENT_CERT_PATH'],
  [closed('"received fatal alert: BadCertificate"'), true, 'it requires a client certificate', 'CLIENT_CERT_PATH'],
  [closed('"received fatal alert: UnknownCA"'), certificate, 'not accept the client certificate', 'CLIENT_CERT_PATH'],
  [
    closed('UnexpectedEof, "without close_notify"'),
    certificate,
    'closed the connection, as when it does not',
    'CLIENT',
  ],
  [closed('ConnectionReset'), true, 'closed the connection, as when it requires', 'CLIENT_CERT_PATH'],
  [CANCELED, true, 'closed the connection, as when it requires', 'CLIENT_CERT_PATH'],
  [CANCELED, undefined, 'TLS may be enabled on one side only', 'TEMPORAL_TLS=true'],
  [closed('BrokenPipe'), undefined, 'TLS may be enabled on one side only', 'TEMPORAL_TLS=true'],
  [closed('ConnectionReset'), undefined, 'TLS may be enabled on one side only', 'TEMPORAL_TLS=true'],
  [connect('InvalidCertificate(UnknownIssuer)'), true, 'not by an authority', 'TEMPORAL_TLS_SERVER_CA_CERT_PATH'],
  [connect('InvalidCertificate(NotValidForNameContext {})'), true, 'for another name', 'TEMPORAL_TLS_SERVER_NAME'],
  [connect('InvalidCertificate(ExpiredContext {})'), true, 'is not valid now', 'clock'],
  [connect('InvalidMessage(InvalidContentType)'), true, 'TLS may be enabled on one side only', 'Check TEMPORAL_TLS.'],
])('%s with TLS %j', (text, tls, why, hint) => {
  const error = temporalUnreachable({ address: ADDRESS, ...(tls === undefined ? {} : { tls }) }, new Error(text));
  expect(error.message).toContain(`Temporal at ${ADDRESS} cannot be used: `);
  expect(error.message).toContain(why);
  expect(error.hint).toContain(hint);
});

test('a call that was denied means the API key, or that there is none', () => {
  const denied = Object.assign(new Error('Request unauthorized.'), { code: 7 });
  const text = new Error(
    "Failed to call GetSystemInfo: code: 'The request does not have valid authentication credentials'",
  );
  for (const error of [denied, text]) {
    expect(isDenied(error)).toBe(true);
    expect(temporalUnreachable({ address: ADDRESS, apiKey: 'x' }, error).message).toContain('not accept the API key');
    expect(temporalUnreachable({ address: ADDRESS }, error).hint).toContain('Set TEMPORAL_API_KEY');
  }
  expect(isDenied(Object.assign(new Error('none'), { code: 5 }))).toBe(false);
});

test.each([
  ['tonic::transport::Error(Transport, ConnectError(ConnectionRefused))', 'the connection was refused'],
  ["Failed to call GetSystemInfo: code: 'Deadline expired', transport error", 'it does not respond in time'],
])('%s is about the address', (text, why) => {
  const error = temporalUnreachable({ address: ADDRESS, tls: true }, new Error(text));
  expect(error.toString()).toBe(
    `Temporal at ${ADDRESS} cannot be reached: ${why}. Check that it is running and that TEMPORAL_ADDRESS is correct.`,
  );
});
