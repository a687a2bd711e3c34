/** Connections through the operator's proxy (HTTP CONNECT, RFC 9110, section 9.3.6). */
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { errorCode } from '../lib/errors.js';
import { type Deadline } from './deadline.js';
import { EgressFailure } from './failures.js';

/** Maximum size of a proxy's response head, in bytes. */
const MAX_RESPONSE_BYTES = 16 * 1024;

/** A proxy from the settings. */
export interface Proxy {
  /** Host name or address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Value of the Proxy-Authorization header; absent without credentials. */
  readonly authorization?: string;
}

/** Parses `http://user:password@host:port`. */
export function readProxy(url: string): Proxy {
  const { hostname, port, username, password } = new URL(url);
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? 80 : Number(port),
    ...(username === '' && password === ''
      ? {}
      : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }),
  };
}

/**
 * Opens a tunnel to an address that the caller has checked. The proxy gets no name, so it cannot resolve it to another
 * address. Rejects with an EgressFailure; its reason is `proxy` when the proxy caused it.
 */
export async function openTunnel(proxy: Proxy, address: string, port: number, deadline: Deadline): Promise<Socket> {
  deadline.stage = 'proxy';
  const socket = connectTcp({ host: proxy.host, port: proxy.port, noDelay: true, keepAlive: true });
  // Never removed: a late error without a listener would end the process.
  socket.on('error', () => undefined);
  try {
    await once(socket, 'connect', { signal: deadline.signal });
    // From here on the proxy waits for the receiver.
    deadline.stage = 'connect';
    const authority = `${address.includes(':') ? `[${address}]` : address}:${port}`;
    const authorization = proxy.authorization === undefined ? '' : `Proxy-Authorization: ${proxy.authorization}\r\n`;
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`);
    const status = await readStatus(socket, deadline);
    if (status >= 200 && status < 300) return socket;
    throw new EgressFailure('proxy', `The proxy responded with ${status} to CONNECT for ${deadline.host}`);
  } catch (error) {
    socket.destroy();
    throw explain(error, deadline);
  }
}

/** Reads the head of the proxy's response; bytes after it remain in the socket. */
function readStatus(socket: Socket, { signal }: Deadline): Promise<number> {
  return new Promise((resolve, reject) => {
    let read = Buffer.alloc(0);
    const finish = (end: () => void): void => {
      socket.off('data', onData).off('error', fail).off('close', onClose);
      signal.removeEventListener('abort', onAbort);
      socket.pause();
      end();
    };
    const fail = (error: Error): void => finish(() => reject(error));
    const onAbort = (): void => fail(signal.reason as EgressFailure);
    const onClose = (): void => fail(new EgressFailure('proxy', 'The proxy closed the connection'));
    const onData = (chunk: Buffer): void => {
      read = Buffer.concat([read, chunk]);
      const end = read.indexOf('\r\n\r\n');
      if (end < 0 && read.length <= MAX_RESPONSE_BYTES) return;
      const [, status] = /^HTTP\/1\.[01] (\d{3})[ \r]/.exec(read.toString('latin1')) ?? [];
      if (end < 0 || status === undefined) {
        return fail(new EgressFailure('proxy', 'The proxy sent a response that is not HTTP/1.1'));
      }
      finish(() => {
        const rest = read.subarray(end + 4);
        if (rest.length > 0) socket.unshift(rest);
        resolve(Number(status));
      });
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('data', onData).on('error', fail).on('close', onClose);
  });
}

function explain(error: unknown, { signal }: Deadline): EgressFailure {
  if (signal.aborted) return signal.reason as EgressFailure;
  if (error instanceof EgressFailure) return error;
  const code = errorCode(error);
  return new EgressFailure('proxy', `The proxy cannot be reached${code === undefined ? '' : ` (${code})`}`, {
    cause: error,
  });
}
