/** Direct deliveries that wait for a sender. */
import { commitOnly } from './process-faults.js';
import type { Store } from '../../src/store/store.js';

/** Commits deliveries that no sender has claimed, one event each; returns their ids. */
export async function commitDirect(
  store: Store,
  accountId: string,
  count: number,
  senderId?: string,
): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const data = { id: `u-${n}` };
    const { deliveryIds } = await commitOnly(store, accountId, 'user.created', data, { direct: true, senderId });
    ids.push(...deliveryIds);
  }
  return ids;
}
