/** Which parts of an exchange are timed; how long they take is the machine's business. */
import type { Exchange } from '../../../src/egress/types.js';
import { responding, certificate, client, closeAll, OK, request } from '../../support/egress.js';

afterEach(closeAll);

const byName = { lookup: async () => ['127.0.0.1'] };
const parts = ({ timings }: Exchange): string[] => Object.keys(timings ?? {});

test('a new connection to an address has no lookup', async () => {
  const target = await responding(OK);
  const exchange = await client().send(request(target.url()));
  expect(parts(exchange)).toEqual(['connectMs', 'firstByteMs', 'totalMs']);
  const { connectMs = 0, firstByteMs = 0, totalMs } = exchange.timings!;
  // Each is rounded to a tenth.
  expect(connectMs + firstByteMs).toBeLessThanOrEqual(totalMs + 0.2);
});

test('a connection that is used again needs no connecting', async () => {
  const target = await responding(OK);
  const sender = client();
  await sender.send(request(target.url()));
  expect(parts(await sender.send(request(target.url())))).toEqual(['firstByteMs', 'totalMs']);
});

test('a name is looked up, and TLS comes after TCP', async () => {
  const target = await responding(OK, { certificate: 'server.pem' });
  const exchange = await client({ extraCa: certificate('ca.pem') }, byName).send(request(target.url()));
  expect(parts(exchange)).toEqual(['dnsMs', 'connectMs', 'tlsMs', 'firstByteMs', 'totalMs']);
});

test('what fails is timed up to there', async () => {
  const lookup = async (): Promise<string[]> => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' }));
  const exchange = await client({}, { lookup }).send(request('http://nowhere.example.com/'));
  expect(parts(exchange)).toEqual(['dnsMs', 'totalMs']);
});
