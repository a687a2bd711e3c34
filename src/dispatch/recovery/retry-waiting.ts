/** Attempting now what waits for its next attempt. Asking again after a crash attempts nothing twice. */
import { stillWaiting, type WaitingDelivery } from '../../store/recovery/finished.js';
import type { Store } from '../../store/store.js';
import type { Command } from '../commands/commands.js';

/** How many orders are given at once. */
const CONCURRENCY = 50;

/** Gives an order to a delivery; false when there was nothing to be done. */
export type SendCommand = (deliveryId: string, command: Command) => Promise<boolean>;

/**
 * Orders an attempt of every delivery that still waits; each order holds for the attempt after those that were found, so
 * one that comes too late does nothing. Returns how many were ordered now or have been attempted since they were found.
 */
export async function retryWaiting(
  store: Store,
  found: readonly WaitingDelivery[],
  sendCommand: SendCommand,
  heartbeat: () => void = () => undefined,
): Promise<number> {
  const { waiting, attempted } = await stillWaiting(store, found);
  let done = attempted;
  for (let at = 0; at < waiting.length; at += CONCURRENCY) {
    const given = await Promise.all(
      waiting
        .slice(at, at + CONCURRENCY)
        .map(({ id, attempts }) => sendCommand(id, { signal: 'retryNow', args: [attempts] })),
    );
    done += given.filter(Boolean).length;
    heartbeat();
  }
  return done;
}
