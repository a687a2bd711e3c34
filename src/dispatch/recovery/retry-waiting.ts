/** Retries deliveries now that wait for their next attempt. Idempotent: repeating it after a crash attempts nothing twice. */
import { stillWaiting, type WaitingDelivery } from '../../store/recovery/finished.js';
import type { Store } from '../../store/store.js';
import type { Command } from '../commands/commands.js';

/** Commands in flight at once. */
const CONCURRENCY = 50;

/** Sends a command to a delivery; false when nothing remains to be done. */
export type SendCommand = (deliveryId: string, command: Command) => Promise<boolean>;

/**
 * Sends a retry command to every delivery that still waits. It contains the number of attempts that were found, so a
 * command that arrives after a further attempt does nothing. Returns how many were sent now or attempted since they were
 * found.
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
    const sent = await Promise.all(
      waiting
        .slice(at, at + CONCURRENCY)
        .map(({ id, attempts }) => sendCommand(id, { signal: 'retryNow', args: [attempts] })),
    );
    done += sent.filter(Boolean).length;
    heartbeat();
  }
  return done;
}
