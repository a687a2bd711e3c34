import { type Socket } from 'node:net';
import { Client } from 'undici';
import { type OpenConnection, type Target } from './connector.js';
import { type Deadline } from './deadline.js';
import { EgressFailure } from './failures.js';
import type { ClientCertificate } from './types.js';

/** How long an idle connection is kept, in milliseconds. */
const IDLE_MS = 10_000;

/** How old a connection may become, in milliseconds; so a name's new address takes effect under steady load as well. */
const MAX_AGE_MS = 120_000;

/** How much of an answer's headers is read, in bytes. */
const MAX_HEADER_BYTES = 16 * 1024;

/** A connection to one origin, for one request at a time. */
export class Connection {
  readonly client: Client;
  #socket: Socket | undefined;
  #openedAt = 0;
  /** The request it is lent to, until it has opened a connection for it. */
  #borrower: Deadline | undefined;

  constructor(
    readonly origin: string,
    private readonly open: OpenConnection,
    /** Which connections it may stand in for. */
    readonly key = origin,
    private readonly tlsClient?: ClientCertificate,
  ) {
    this.client = new Client(origin, {
      pipelining: 1,
      maxHeaderSize: MAX_HEADER_BYTES,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      // The deadline is the only clock.
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
   * Whether another request can be sent over it, as far as one can know. Not when the last one was answered before all
   * of it was sent: the receiver may never read the rest.
   */
  get isUsable(): boolean {
    if (this.#socket === undefined || this.#socket.destroyed || this.#socket.writableLength > 0) return false;
    return performance.now() - this.#openedAt < MAX_AGE_MS;
  }

  assignTo(deadline: Deadline): this {
    this.#borrower = deadline;
    return this;
  }

  /**
   * Called by undici for the first request, and for a later one when the connection turns out to be closed before the
   * request is written. That is the only case in which a request moves to another connection: surely nothing of it was
   * sent. At most once for each request, lest a receiver that hangs up on arrival keeps us dialling.
   */
  async #connect(): Promise<Socket> {
    const deadline = this.#borrower;
    this.#borrower = undefined;
    if (deadline === undefined) throw new EgressFailure('reset', `${new URL(this.origin).host} closed the connection`);
    this.#socket = await this.open(targetOf(this.origin), deadline, this.tlsClient);
    this.#openedAt = performance.now();
    return this.#socket;
  }
}

function targetOf(origin: string): Target {
  const { protocol, hostname, port } = new URL(origin);
  const secure = protocol === 'https:';
  const unbracketed = hostname.replace(/^\[(.*)\]$/, '$1');
  return { secure, hostname: unbracketed, port: port === '' ? (secure ? 443 : 80) : Number(port) };
}
