/**
 * Connection pool: keeps connections for further requests to the same origin.
 *
 * An undici Agent does this too, but without deadlines: an aborted request stays in the Agent's queue, which still
 * opens a connection for it, and after an abort a second one (nodejs/undici #386, #5845). A receiver that drops packets
 * would delay all later requests. Here each connection is its own undici Client, which handles one request at a time
 * and is destroyed when that request fails.
 */
import { Connection } from './connection.js';
import { type OpenConnection } from './connector.js';
import { type Deadline } from './deadline.js';
import { type EgressFailure } from './failures.js';
import { clientId } from './trust.js';
import type { ClientCertificate, ConnectionUsage, OutgoingRequest } from './types.js';

/** Maximum requests in flight to one origin; further ones wait. Requests with a queue key have no limit here. */
const MAX_PER_ORIGIN = 50;

/** Maximum idle connections in total; beyond that the one that was idle the longest is closed. */
const MAX_IDLE = 1_024;

/** The connections of one origin for one queue key and client certificate. */
interface OriginPool {
  readonly idle: Connection[];
  /** Requests that wait for another one to end, in FIFO order. */
  readonly waiting: Set<() => void>;
  busy: number;
}

/** Requests to the same origin share connections only when these are equal. */
export type Separation = Pick<OutgoingRequest, 'queueKey' | 'tlsClient'>;

export class ConnectionPool {
  readonly #pools = new Map<string, OriginPool>();
  /** All idle connections, the longest idle first. */
  readonly #idle = new Set<Connection>();
  readonly #closing = new Set<Promise<void>>();

  constructor(private readonly open: OpenConnection) {}

  /**
   * Returns a connection to an origin; it may open its socket only when the request is sent. Return it with `release`.
   */
  async acquire(origin: string, deadline: Deadline, separation: Separation = {}): Promise<Connection> {
    const { queueKey: name = '', tlsClient } = separation;
    const key = `${name} ${tlsClient ? clientId(tlsClient) : ''} ${origin}`;
    const pool = this.#pools.get(key) ?? { idle: [], waiting: new Set(), busy: 0 };
    this.#pools.set(key, pool);
    if (name !== '' || pool.busy < MAX_PER_ORIGIN) pool.busy++;
    else await waitForPermit(pool, deadline);
    for (let connection = pool.idle.pop(); connection !== undefined; connection = pool.idle.pop()) {
      this.#idle.delete(connection);
      if (connection.isUsable) return connection.assignTo(deadline);
      this.#close(connection);
    }
    return this.#newConnection(origin, key, tlsClient).assignTo(deadline);
  }

  /** Returns a connection to the pool. It is closed unless it is `reusable` and still open. */
  release(connection: Connection, reusable: boolean): void {
    const pool = this.#pools.get(connection.key);
    if (pool === undefined) throw new Error('This connection is not from this pool');
    if (reusable && connection.isUsable) this.#park(connection, pool);
    else this.#close(connection);
    const [next] = pool.waiting;
    // The permit goes to the next waiting request directly, so that a new request cannot overtake it.
    if (next === undefined) pool.busy--;
    else next();
    this.#removeIfUnused(connection.key, pool);
  }

  /** Numbers of connections and of waiting requests. */
  usage(): ConnectionUsage {
    const pools = [...this.#pools.values()];
    return {
      busy: pools.reduce((busy, pool) => busy + pool.busy, 0),
      idle: this.#idle.size,
      waiting: pools.reduce((waiting, pool) => waiting + pool.waiting.size, 0),
    };
  }

  /** Closes the idle connections and waits for those that are being closed. */
  async close(): Promise<void> {
    for (const connection of [...this.#idle]) this.#evict(connection);
    await Promise.all(this.#closing);
  }

  #newConnection(origin: string, key: string, tlsClient: ClientCertificate | undefined): Connection {
    const connection = new Connection(origin, this.open, key, tlsClient);
    connection.client.on('disconnect', () => {
      if (this.#idle.has(connection)) this.#evict(connection);
    });
    return connection;
  }

  #park(connection: Connection, pool: OriginPool): void {
    pool.idle.push(connection);
    this.#idle.add(connection);
    const [longestIdle] = this.#idle;
    if (this.#idle.size > MAX_IDLE && longestIdle !== undefined) this.#evict(longestIdle);
  }

  #evict(connection: Connection): void {
    this.#idle.delete(connection);
    const pool = this.#pools.get(connection.key);
    if (pool !== undefined) {
      pool.idle.splice(pool.idle.indexOf(connection), 1);
      this.#removeIfUnused(connection.key, pool);
    }
    this.#close(connection);
  }

  #close(connection: Connection): void {
    const closed = connection.client.destroy().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  #removeIfUnused(key: string, pool: OriginPool): void {
    if (pool.busy === 0 && pool.idle.length === 0) this.#pools.delete(key);
  }
}

/** Waits until a request to the same origin ends and passes on its permit. */
function waitForPermit(pool: OriginPool, { signal }: Deadline): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as EgressFailure);
    const acquire = (): void => {
      pool.waiting.delete(acquire);
      signal.removeEventListener('abort', abort);
      resolve();
    };
    const abort = (): void => {
      pool.waiting.delete(acquire);
      reject(signal.reason as EgressFailure);
    };
    pool.waiting.add(acquire);
    signal.addEventListener('abort', abort, { once: true });
  });
}
