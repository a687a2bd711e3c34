/**
 * Many accounts with a subscription each, as copies of one that the API has created: creating them is no part of what is
 * measured.
 */
import { newId } from '#src/contract/ids.js';
import { readKeyFiles } from '#src/server/key-files.js';
import { findAccount, insertAccount } from '#src/store/accounts/accounts.js';
import { createSecretBox } from '#src/store/secret-box.js';
import { openStore } from '#src/store/store.js';
import { findSubscription, saveSubscription } from '#src/store/subscriptions/subscriptions.js';
import type { Connection, Receiver } from './types.js';

/** Copies that are written at once. */
const WRITERS = 10;

/** Ids of an account and its subscription. */
export interface Copy {
  readonly accountId: string;
  readonly subscriptionId: string;
}

/** Writes a copy of an account and its subscription for each of the receivers, in their sequence. */
export async function copyFor(
  { databaseUrl, dataDir }: Connection,
  original: Copy,
  receivers: readonly Pick<Receiver, 'url' | 'topic'>[],
): Promise<Copy[]> {
  const store = openStore({ databaseUrl: databaseUrl!, box: createSecretBox(() => readKeyFiles(dataDir!)) });
  try {
    const account = (await findAccount(store, original.accountId))!;
    const subscription = (await findSubscription(store, original.subscriptionId))!;
    const copies: Copy[] = [];
    let next = 0;
    const writer = async (): Promise<void> => {
      while (next < receivers.length) {
        const index = next;
        next += 1;
        const { url, topic } = receivers[index]!;
        const [accountId, subscriptionId] = [newId('acc'), newId('sub')];
        await insertAccount(store, store.pool, { ...account, id: accountId });
        const own = { id: subscriptionId, reference: subscriptionId, accountId, url, eventTypes: [`bench.${topic}`] };
        await saveSubscription(store, { ...subscription, ...own });
        copies[index] = { accountId, subscriptionId };
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, writer));
    return copies;
  } finally {
    await store.pool.end();
  }
}
