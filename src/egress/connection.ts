import { type Socket } from 'node:net';
import { Client } from 'undici';
import { type OpenConnection, type Target } from './connector.js';
import { type Deadline } from './deadline.js';
import { EgressFailure } from './failures.js';
import { ResponseHeads } from './response-heads.js';
import type { ClientCertificate } from './types.js';

/** How long an idle connection is kept, in milliseconds. */
const IDLE_MS = 10_000;

/** Maximum age of a connection, in milliseconds, so that a name's new address takes effect under steady load too. */
const MAX_AGE_MS = 120_000;

/** Maximum size of response headers, in bytes. */
const MAX_HEADER_BYTES = 16 * 1024;

/** A connection to one origin, for one request at a time. */
export class Connection {
  readonly client: Client;
  #socket: Socket | undefined;
  #openedAt = 0;
  readonly #heads = new ResponseHeads();
  /** The request that uses this connection, until a socket is opened for it. */
  #borrower: Deadline | undefined;

  constructor(
    readonly origin: string,
    private readonly open: OpenConnection,
    /** Connections with the same key are interchangeable. */
    readonly key = origin,
    private readonly tlsClient?: ClientCertificate,
  ) {
    this.client = new Client(origin, {
      pipelining: 1,
      maxHeaderSize: MAX_HEADER_BYTES,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      // The deadline is the only timeout.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (_options, callback) => {
        this.#connect().then(
          (socket) => callback(null, socket),
          (error: Error) => callback(error, null),
        );
      },
    });
  }

  /**
   * Whether another request can probably be sent over it. False when the last response came before its request was
   * completely sent, as the receiver may never read the rest, and when it had to be corrected.
   */
  get isUsable(): boolean {
    if (this.#socket === undefined || this.#socket.destroyed || this.#socket.writableLength > 0) return false;
    if (this.#heads.corrected) return false;
    return performance.now() - this.#openedAt < MAX_AGE_MS;
  }

  assignTo(deadline: Deadline): this {
    this.#borrower = deadline;
    this.#heads.expect();
    return this;
  }

  /**
   * Called by undici for the first request, and for a later one when the connection is found closed before the request
   * is written. Only then does a request move to another connection, because nothing of it was sent. At most once per
   * request, so that a receiver that closes every connection does not cause an endless loop.
   */
  async #connect(): Promise<Socket> {
    const deadline = this.#borrower;
    this.#borrower = undefined;
    if (deadline === undefined) throw new EgressFailure('reset', `${new URL(this.origin).host} closed the connection`);
    this.#socket = await this.open(targetOf(this.origin), deadline, this.tlsClient);
    this.#openedAt = performance.now();
    this.#heads.watch(this.#socket);
    return this.#socket;
  }
}

function targetOf(origin: string): Target {
  const { protocol, hostname, port } = new URL(origin);
  const secure = protocol === 'https:';
  const unbracketed = hostname.replace(/^\[(.*)\]$/, '$1');
  return { secure, hostname: unbracketed, port: port === '' ? (secure ? 443 : 80) : Number(port) };
}
