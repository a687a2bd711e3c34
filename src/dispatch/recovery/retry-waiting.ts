/** Retries deliveries now that wait for their next attempt. Idempotent: repeating it after a crash attempts nothing twice. */
import { inChunks } from '../../lib/in-chunks.js';
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
  const sent = await inChunks(
    waiting,
    CONCURRENCY,
    ({ id, attempts }) => sendCommand(id, { signal: 'retryNow', args: [attempts] }),
    heartbeat,
  );
  return attempted + sent.filter(Boolean).length;
}
