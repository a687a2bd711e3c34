/** The part of the sweep that lets deliveries go on whose subscription has been enabled again. */
import { heartbeat } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { sendCommand } from '../../dispatch/commands/commands.js';
import type { Store } from '../../store/store.js';
import { pausedOfEnabled } from '../../store/subscriptions/waiting.js';
import { SUBSCRIPTION_DISABLED } from '../../workflows/types.js';

/**
 * Resumes what the process that enabled a subscription did not: it died, Temporal was away, there was more than a
 * request may take, or a delivery noticed too late that it need not wait. Returns how many were told.
 */
export async function resumeForgotten(store: Store, client: Client, batch: number): Promise<number> {
  let resumed = 0;
  let after = '';
  for (;;) {
    const ids = await pausedOfEnabled(store, { reason: SUBSCRIPTION_DISABLED, after, limit: batch });
    const sent = await Promise.all(ids.map((id) => sendCommand({ client, store }, id, { signal: 'resume', args: [] })));
    heartbeat();
    resumed += sent.filter(Boolean).length;
    if (ids.length < batch) return resumed;
    after = ids.at(-1)!;
  }
}
