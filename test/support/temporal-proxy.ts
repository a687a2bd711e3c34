/** TLS in front of a Temporal server: a proxy that demands what Temporal Cloud demands, and records what it is sent. */
import {
  connect,
  constants,
  createSecureServer,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { certificate } from './egress.js';

/** What a client has sent with one call. */
export interface ProxiedCall {
  /** As in gRPC, such as `/temporal.api.workflowservice.v1.WorkflowService/GetSystemInfo`. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly namespace: string | undefined;
  /** The name in the client's certificate; undefined without one. */
  readonly clientName: string | undefined;
}

export interface TemporalProxyOptions {
  /** The certificate that clients must have or be signed by, PEM; absent: none is asked for. */
  readonly clientCa?: string;
  /** The key that calls must have; absent: none. */
  readonly apiKey?: string;
  /** Which calls are denied, as a role without the rights is. */
  readonly denied?: RegExp;
}

export interface TemporalProxy {
  /** host:port; the certificate is for this host, by the tests' authority. */
  readonly address: string;
  readonly calls: readonly ProxiedCall[];
  close(): Promise<void>;
}

/** gRPC's codes. */
const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;

/** Starts a proxy of the Temporal server at `target`, host:port. */
export async function startTemporalProxy(
  target: string,
  { clientCa, apiKey, denied }: TemporalProxyOptions = {},
): Promise<TemporalProxy> {
  const calls: ProxiedCall[] = [];
  const sessions = new Set<{ destroy(): void }>();
  const upstream = connect(`http://${target}`);
  const server = createSecureServer({
    cert: certificate('server.pem'),
    key: certificate('server.key'),
    ...(clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: true, ca: [clientCa] }),
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    const call = toCall(stream, headers);
    calls.push(call);
    stream.on('error', () => undefined);
    if (apiKey !== undefined && call.authorization !== `Bearer ${apiKey}`) refuse(stream, UNAUTHENTICATED);
    else if (denied?.test(call.path)) refuse(stream, PERMISSION_DENIED);
    else forward(upstream, stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `localhost:${(server.address() as AddressInfo).port}`,
    calls,
    async close() {
      for (const session of sessions) session.destroy();
      upstream.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function toCall(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): ProxiedCall {
  const { subject } = (stream.session?.socket as TLSSocket).getPeerCertificate();
  return {
    path: String(headers[':path']),
    authorization: headers.authorization,
    namespace: headers['temporal-namespace']?.toString(),
    clientName: subject?.CN?.toString(),
  };
}

/** A response of gRPC that has nothing but a status. */
function refuse(stream: ServerHttp2Stream, status: number): void {
  const headers = { 'content-type': 'application/grpc', 'grpc-status': status, 'grpc-message': 'not allowed here' };
  stream.respond({ ':status': 200, ...headers }, { endStream: true });
}

/** Sends a call on, and its response, with the trailers that have gRPC's status. */
function forward(upstream: ClientHttp2Session, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  const request = upstream.request({ ...headers, ':scheme': 'http' });
  let trailers: IncomingHttpHeaders = {};
  request.on('error', () => stream.close(constants.NGHTTP2_CANCEL));
  stream.once('close', () => request.close(constants.NGHTTP2_CANCEL));
  request.once('trailers', (received) => (trailers = received));
  request.once('response', (response, flags) => {
    if (stream.destroyed) return;
    const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    stream.respond(response, { endStream, waitForTrailers: !endStream });
    if (!endStream) request.pipe(stream);
  });
  stream.once('wantTrailers', () => stream.sendTrailers(trailers));
  stream.pipe(request);
}
