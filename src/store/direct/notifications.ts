/** Notifications between processes that commit direct deliveries without a sender of their own, and senders. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import type { Store } from '../store.js';

const CHANNEL = 'pigeonpost_direct';
/** Shortest time between two notifications of a process, in milliseconds: PostgreSQL serializes their commits. */
const MIN_INTERVAL_MS = 10;
/** Wait before a lost connection is replaced, in milliseconds. */
const RECONNECT_MS = 1_000;

/**
 * Returns a function that notifies all senders soon. Notifications may be lost; senders also look for deliveries by
 * themselves.
 */
export function createNotifier(store: Store): () => void {
  let isWaiting = false;
  let isWanted = false;
  const notify = (): void => {
    isWanted = isWaiting;
    if (isWaiting) return;
    isWaiting = true;
    const end = (): void => {
      setTimeout(() => {
        isWaiting = false;
        // For what was committed after the last one was sent.
        if (isWanted) notify();
      }, MIN_INTERVAL_MS).unref();
    };
    store.pool.query(`SELECT pg_notify('${CHANNEL}', '')`).then(end, end);
  };
  return notify;
}

/** Calls `onNotified` for notifications, and whenever some may have been missed. It uses one connection of the pool. */
export function listen(store: Store, onNotified: () => void): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await listenOnce(store, onNotified, stopping.signal).catch(() => undefined);
      await sleep(RECONNECT_MS, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Listens until the connection is lost or the signal is aborted. */
async function listenOnce(store: Store, onNotified: () => void, signal: AbortSignal): Promise<void> {
  const client: PoolClient = await store.pool.connect();
  try {
    client.on('notification', onNotified);
    await client.query(`LISTEN ${CHANNEL}`);
    onNotified();
    await new Promise<void>((resolve) => {
      client.once('end', resolve);
      client.once('error', () => resolve());
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    client.off('notification', onNotified);
    // Closed and not given back, as it would go on listening.
    client.release(true);
  }
}
