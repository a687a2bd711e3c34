/** Makes batches of deliveries that wait for others. */
import { BATCH_TYPE, chooseMembers, MAX_BATCH_BYTES, MAX_BATCH_EVENTS } from '../contract/batches.js';
import { newId } from '../contract/ids.js';
import { priorities } from '../contract/timing.js';
import { contractOf } from '../providers/registry.js';
import {
  joinMembers,
  loadBodies,
  lockDueBatch,
  lockWaiting,
  removeWaiting,
  sendAlone,
  type DueBatch,
  type WaitingMember,
} from '../store/batches.js';
import type { DeliveryStart } from '../store/deliveries/delivery-starts.js';
import { insertEvents, type NewEvent } from '../store/events/events.js';
import { inTransaction, type Queryable, type Store } from '../store/store.js';
import { pauseOf } from './fan-out.js';

/** The variant of a batch's body. */
const VARIANT = '';

/** Something that was due. */
export interface Collected {
  /** Deliveries that a sender may claim now. */
  readonly deliveryStarts: readonly DeliveryStart[];
}

/**
 * Makes a batch of what has been due for longest, in one transaction: after a crash nothing of it exists, or all of it.
 * Undefined when nothing is due.
 */
export async function collectNext(store: Store): Promise<Collected | undefined> {
  return inTransaction(store, async (client) => {
    const due = await lockDueBatch(store, client);
    if (!due) return undefined;
    const { account, subscription } = due;
    // After the option was removed, what waits is still sent in batches.
    const limits = contractOf(account.provider).batching?.limitsOf(subscription.options);
    const { maxEvents, maxWaitMs } = limits ?? { maxEvents: MAX_BATCH_EVENTS, maxWaitMs: 0 };
    const waiting = await lockWaiting(client, due, maxEvents);
    const { members, alone, consumed, isNextDue } = chooseMembers(waiting, { maxEvents, maxBytes: MAX_BATCH_BYTES });
    // The body of a single one is that of a batch of one already.
    const [single] = members.length === 1 ? members : alone;
    const deliveryIds: string[] = [];
    if (!single) deliveryIds.push(...(members.length > 0 ? await insertBatch(store, client, due, members) : []));
    else if (await sendAlone(client, due, single.deliveryId)) deliveryIds.push(single.deliveryId);
    await removeWaiting(client, due, { consumed, isNextDue, maxEvents, maxWaitMs });
    return {
      deliveryStarts: deliveryIds.map((deliveryId) => ({
        deliveryId,
        run: 0,
        account,
        subscriptionId: subscription.id,
        eventType: BATCH_TYPE,
        url: subscription.url,
      })),
    };
  });
}

/** Returns the id of the batch, if it may be sent now. */
async function insertBatch(
  store: Store,
  client: Queryable,
  { account, subscription, orderingKey }: DueBatch,
  members: readonly WaitingMember[],
): Promise<string[]> {
  const at = new Date();
  const bodies = await loadBodies(store, client, members);
  const id = newId('dlv');
  const pausedFor = pauseOf(account, subscription);
  const priority = priorities.find((each) => members.some((member) => member.priority === each)) ?? 'normal';
  const row: NewEvent = {
    event: {
      id: newId('evt'),
      type: BATCH_TYPE,
      occurredAt: at,
      channels: [],
      text: JSON.stringify({ events: members.map(({ eventId }) => eventId) }),
    },
    accountId: account.id,
    provider: account.provider,
    addressed: true,
    bodies: new Map([[VARIANT, contractOf(account.provider).batching!.join(bodies, at)]]),
    deliveries: [
      { id, subscriptionId: subscription.id, bodyVariant: VARIANT, ...(pausedFor === undefined ? {} : { pausedFor }) },
    ],
    ...(orderingKey === null ? {} : { orderingKey }),
    ...(priority === 'normal' ? {} : { timing: { priority } }),
  };
  const modes = new Map([[account.id, { direct: true, senderId: undefined } as const]]);
  const blocked = await insertEvents(store, client, [row], modes);
  await joinMembers(client, id, members);
  return pausedFor === undefined && !blocked.has(id) ? [id] : [];
}
