/** What starting the workflow of a delivery takes. */
import { toAccount, type AccountRow, type StoredAccount } from './accounts.js';
import type { DeliveryState } from './deliveries.js';
import { fromJson, type Store } from './store.js';

export interface Startable {
  readonly deliveryId: string;
  /** Which redelivery this is; 0 for the delivery itself. */
  readonly run: number;
  readonly account: StoredAccount;
  readonly subscriptionId: string;
  readonly eventType: string;
  /** The receiver's address. */
  readonly url: string;
}

/** Deliveries of these ids, with the state they are in. */
export async function loadStartables(
  store: Store,
  ids: readonly string[],
): Promise<(Startable & { state: DeliveryState })[]> {
  const { rows } = await store.pool.query<{
    id: string;
    run: number;
    state: DeliveryState;
    subscription_id: string;
    event_type: string;
    url: string;
    account: AccountRow;
  }>(
    `SELECT d.id, d.run, d.state, d.subscription_id, d.event_type, s.url, to_jsonb(a) AS account
     FROM deliveries d
     JOIN accounts a ON a.id = d.account_id
     JOIN subscriptions s ON s.id = d.subscription_id
     WHERE d.id = ANY($1)`,
    [ids],
  );
  return rows.map((row) => ({
    deliveryId: row.id,
    run: row.run,
    state: row.state,
    account: toAccount(store, fromJson(row.account)),
    subscriptionId: row.subscription_id,
    eventType: row.event_type,
    url: row.url,
  }));
}
