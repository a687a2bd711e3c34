/**
 * Connections that are kept for further requests to the same origin.
 *
 * An undici Agent would do this too, but it knows nothing of deadlines: a request that is given up while its connection
 * is being opened or while it waits for one stays in the Agent's queue, is connected for in its turn, and after an abort
 * once more (nodejs/undici #386, #5845). A receiver that swallows packets would so hold up all later requests. Here each
 * connection is an undici Client of its own that carries one request at a time and is destroyed when that one fails.
 */
import { Connection } from './connection.js';
import { type OpenConnection } from './connector.js';
import { type Deadline } from './deadline.js';
import { type EgressFailure } from './failures.js';
import { clientId } from './trust.js';
import type { ClientCertificate, ConnectionUsage, OutgoingRequest } from './types.js';

/** How many requests to one origin are under way at once; further ones wait. Lanes that have a name have no limit. */
const MAX_PER_ORIGIN = 50;

/** How many idle connections are kept in all; beyond that the longest idle one is closed. */
const MAX_IDLE = 1_024;

/** What the pool knows of one origin, as far as one lane is concerned. */
interface OriginPool {
  readonly idle: Connection[];
  /** Requests that wait for another one to end, first come first served. */
  readonly waiting: Set<() => void>;
  busy: number;
}

/** What keeps requests to the same origin apart. */
export type Separation = Pick<OutgoingRequest, 'queueKey' | 'tlsClient'>;

export class ConnectionPool {
  readonly #lanes = new Map<string, OriginPool>();
  /** All idle connections, the longest idle first. */
  readonly #idle = new Set<Connection>();
  readonly #closing = new Set<Promise<void>>();

  constructor(private readonly open: OpenConnection) {}

  /** A connection to an origin, which may be connected only when the request is sent. Give it back with `release`. */
  async acquire(origin: string, deadline: Deadline, separation: Separation = {}): Promise<Connection> {
    const { queueKey: name = '', tlsClient } = separation;
    const key = `${name} ${tlsClient ? clientId(tlsClient) : ''} ${origin}`;
    const pool = this.#lanes.get(key) ?? { idle: [], waiting: new Set(), busy: 0 };
    this.#lanes.set(key, pool);
    if (name !== '' || pool.busy < MAX_PER_ORIGIN) pool.busy++;
    else await inTurn(pool, deadline);
    for (let connection = pool.idle.pop(); connection !== undefined; connection = pool.idle.pop()) {
      this.#idle.delete(connection);
      if (connection.isUsable) return connection.assignTo(deadline);
      this.#close(connection);
    }
    return this.#newConnection(origin, key, tlsClient).assignTo(deadline);
  }

  /** Takes a connection back; unless it is `reusable`, and alive, it is closed. */
  release(connection: Connection, reusable: boolean): void {
    const pool = this.#lanes.get(connection.key);
    if (pool === undefined) throw new Error('This connection is not from this pool');
    if (reusable && connection.isUsable) this.#park(connection, pool);
    else this.#close(connection);
    const [next] = pool.waiting;
    // The next in line takes this one's place, so nobody who comes now can be faster.
    if (next === undefined) pool.busy--;
    else next();
    this.#forgetIfUnused(connection.key, pool);
  }

  /** How many connections there are and how many requests wait for one. */
  usage(): ConnectionUsage {
    const pools = [...this.#lanes.values()];
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
    const pool = this.#lanes.get(connection.key);
    if (pool !== undefined) {
      pool.idle.splice(pool.idle.indexOf(connection), 1);
      this.#forgetIfUnused(connection.key, pool);
    }
    this.#close(connection);
  }

  #close(connection: Connection): void {
    const closed = connection.client.destroy().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  #forgetIfUnused(key: string, pool: OriginPool): void {
    if (pool.busy === 0 && pool.idle.length === 0) this.#lanes.delete(key);
  }
}

/** Waits until a request to the same origin ends and hands over its place. */
function inTurn(pool: OriginPool, { signal }: Deadline): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as EgressFailure);
    const take = (): void => {
      pool.waiting.delete(take);
      signal.removeEventListener('abort', leave);
      resolve();
    };
    const leave = (): void => {
      pool.waiting.delete(take);
      reject(signal.reason as EgressFailure);
    };
    pool.waiting.add(take);
    signal.addEventListener('abort', leave, { once: true });
  });
}
