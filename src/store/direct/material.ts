/** Loads direct deliveries, and each of their accounts and subscriptions once. */
import type { DeliveryPolicy } from '../../contract/delivery-policy.js';
import { toAccount, type AccountRow, type StoredAccount } from '../accounts/accounts.js';
import { MATERIAL_COLUMNS, toMaterial, type AttemptMaterial, type MaterialRow } from '../attempts/attempts.js';
import { ANYWHERE, eventOfDelivery, eventsNear, type IdRange } from '../ranges.js';
import type { Store } from '../store.js';
import { toSubscription, type StoredSubscription, type SubscriptionRow } from '../subscriptions/subscriptions.js';

interface DirectRow extends MaterialRow {
  account_id: string;
  subscription_id: string;
  event_type_policy: DeliveryPolicy | null;
}

/** Loads deliveries with everything that their first attempts need, in any order. Deleted ones are omitted. */
export async function loadDirect(store: Store, ids: readonly string[]): Promise<AttemptMaterial[]> {
  const near = await findDirect(store, ids, eventsNear(ids));
  const found = new Set(near.map(({ id }) => id));
  const others = ids.filter((id) => !found.has(id));
  const rows = others.length === 0 ? near : [...near, ...(await findDirect(store, others, ANYWHERE))];
  const [accounts, subscriptions] = await Promise.all([
    loadAccounts(store, new Set(rows.map((row) => row.account_id))),
    loadSubscriptions(store, new Set(rows.map((row) => row.subscription_id))),
  ]);
  return rows.map((row) => {
    const { subscription, deleted } = subscriptions.get(row.subscription_id)!;
    const account = accounts.get(row.account_id)!;
    const material = toMaterial(store, row, { account, subscription, subscriptionDeleted: deleted });
    return row.event_type_policy ? { ...material, eventTypePolicy: row.event_type_policy } : material;
  });
}

async function findDirect(store: Store, ids: readonly string[], events: IdRange): Promise<DirectRow[]> {
  const { rows } = await store.pool.query<DirectRow>({
    name: 'load-direct',
    text: `
      SELECT ${MATERIAL_COLUMNS}, d.account_id, d.subscription_id, t.policy AS event_type_policy
      FROM deliveries d
      ${eventOfDelivery('$2', '$3')}
      LEFT JOIN event_types t ON t.name = d.event_type
      WHERE d.id = ANY($1)`,
    values: [ids, ...events],
  });
  return rows;
}

async function loadAccounts(store: Store, ids: ReadonlySet<string>): Promise<Map<string, StoredAccount>> {
  const { rows } = await store.pool.query<AccountRow>({
    name: 'load-direct-accounts',
    text: 'SELECT * FROM accounts WHERE id = ANY($1)',
    values: [[...ids]],
  });
  return new Map(rows.map((row) => [row.id, toAccount(store, row)]));
}

async function loadSubscriptions(
  store: Store,
  ids: ReadonlySet<string>,
): Promise<Map<string, { subscription: StoredSubscription; deleted: boolean }>> {
  const { rows } = await store.pool.query<SubscriptionRow & { deleted_at: Date | null }>({
    name: 'load-direct-subscriptions',
    text: 'SELECT * FROM subscriptions WHERE id = ANY($1)',
    values: [[...ids]],
  });
  return new Map(
    rows.map((row) => [row.id, { subscription: toSubscription(store, row), deleted: row.deleted_at !== null }]),
  );
}
