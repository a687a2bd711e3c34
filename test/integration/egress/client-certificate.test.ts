/** Who we are and what we speak: client certificates, versions of TLS, ports. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { generate } from 'selfsigned';
import type { ClientCertificate } from '../../../src/egress/types.js';
import { responding, responseOf, certificate, client, closeAll, failureOf, OK, request } from '../../support/egress.js';

let ours: ClientCertificate;
let others: ClientCertificate;
const servers: Server[] = [];

beforeAll(async () => {
  ours = await makeCertificate('ours');
  others = await makeCertificate('others');
});
afterEach(async () => {
  await closeAll();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function makeCertificate(name: string): Promise<ClientCertificate> {
  const { cert, private: privateKey } = await generate([{ name: 'commonName', value: name }], { keyType: 'ec' });
  return { certificate: cert, privateKey };
}

/** A server that notes whom it speaks with, and may redirect. */
async function serve(options: TlsOptions = {}, location?: string): Promise<{ url: string; peers: string[] }> {
  const peers: string[] = [];
  const tls = { cert: certificate('server.pem'), key: certificate('server.key'), ...options };
  const server = createServer(tls, (incoming, response) => {
    peers.push((incoming.socket as TLSSocket).getPeerCertificate().subject?.CN?.toString() ?? 'nobody');
    incoming.resume();
    response.writeHead(location === undefined ? 200 : 307, location === undefined ? {} : { location }).end();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `https://localhost:${(server.address() as AddressInfo).port}/`, peers };
}

const demanding = () => serve({ requestCert: true, rejectUnauthorized: true, ca: [ours.certificate] });
const trusting = { extraCa: certificate('ca.pem') };

test('the certificate of a request is shown to a receiver that demands one', async () => {
  const target = await demanding();
  const sender = client(trusting);
  expect(responseOf(await sender.send(request(target.url, { tlsClient: ours }))).status).toBe(200);
  // Neither a wrong one nor none gets in, and no connection that ours opened is lent to them.
  expect((await sender.send(request(target.url, { tlsClient: others }))).kind).toBe('failure');
  expect((await sender.send(request(target.url))).kind).toBe('failure');
  expect(target.peers).toEqual(['ours']);
});

test('a redirect to another origin does not see it', async () => {
  const asking = { requestCert: true, rejectUnauthorized: false };
  const next = await serve(asking);
  const first = await serve(asking, next.url);
  const sent = request(first.url, { tlsClient: ours, maxRedirects: 1, queueKey: 'sub_a' });
  expect(responseOf(await client(trusting).send(sent)).status).toBe(200);
  expect([first.peers, next.peers]).toEqual([['ours'], ['nobody']]);
});

test('one that cannot be used fails before anything is sent', async () => {
  const target = await demanding();
  const broken = { certificate: ours.certificate, privateKey: 'not a key' };
  const failure = failureOf(await client(trusting).send(request(target.url, { tlsClient: broken })));
  expect(failure.reason).toBe('invalid_request');
});

test('versions of TLS older than the settings allow are not spoken', async () => {
  const [old, modern] = [await serve({ maxVersion: 'TLSv1.2' }), await serve({ minVersion: 'TLSv1.3' })];
  const strict = client({ ...trusting, tlsMinVersion: 'TLSv1.3' });
  expect(failureOf(await strict.send(request(old.url))).reason).toBe('tls');
  expect((await strict.send(request(modern.url))).kind).toBe('response');
  expect((await client(trusting).send(request(old.url))).kind).toBe('response');
});

test('ports that the settings do not name are not connected to, by redirects either', async () => {
  const other = await responding(OK);
  const target = await responding(`HTTP/1.1 307 Moved\r\nLocation: ${other.url()}\r\nContent-Length: 0\r\n\r\n`);
  const sender = client({ allowPorts: [target.port] });
  expect(responseOf(await sender.send(request(target.url()))).status).toBe(307);
  expect(failureOf(await sender.send(request(other.url())))).toMatchObject({
    reason: 'blocked',
    message: `Port ${other.port} is not allowed (PIGEONPOST_ALLOW_PORTS names those that are)`,
  });
  expect(failureOf(await sender.send(request(target.url(), { maxRedirects: 1 }))).reason).toBe('blocked');
  expect(other.connections).toBe(0);
});
