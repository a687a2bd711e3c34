/** Loads direct deliveries, and each of their accounts and subscriptions once. */
import { toAccount, type AccountRow, type StoredAccount } from '../accounts/accounts.js';
import type { AttemptMaterial } from '../attempts/attempts.js';
import type { DeliveryState } from '../deliveries/deliveries.js';
import { ANYWHERE, eventOfDelivery, eventsNear, type IdRange } from '../ranges.js';
import type { Store } from '../store.js';
import { toSubscription, type StoredSubscription, type SubscriptionRow } from '../subscriptions/subscriptions.js';

/** A delivery whose first attempt a sender makes. */
export interface DirectDelivery extends AttemptMaterial {
  /** When its next attempt is due, after a first one. */
  readonly nextAttemptAt: Date | null;
}

interface DirectRow {
  id: string;
  created_at: Date;
  state: DeliveryState;
  run: number;
  attempts: number;
  last_status: number | null;
  state_reason: string | null;
  recorded_by: string | null;
  schedule_position: number | null;
  first_attempt_at: Date | null;
  next_attempt_at: Date | null;
  event_id: string;
  event_type: string;
  account_id: string;
  subscription_id: string;
  occurred_at: Date;
  traceparent: string | null;
  body: string;
}

/** Loads deliveries with everything that their first attempts need, in any order. Deleted ones are omitted. */
export async function loadDirect(store: Store, ids: readonly string[]): Promise<DirectDelivery[]> {
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
    return {
      account: accounts.get(row.account_id)!,
      subscription,
      subscriptionDeleted: deleted,
      event: { id: row.event_id, type: row.event_type, occurredAt: row.occurred_at },
      delivery: { id: row.id, createdAt: row.created_at },
      body: row.body,
      state: row.state,
      run: row.run,
      attempts: row.attempts,
      lastStatus: row.last_status,
      stateReason: row.state_reason,
      recordedBy: row.recorded_by,
      schedulePosition: row.schedule_position,
      firstAttemptAt: row.first_attempt_at,
      nextAttemptAt: row.next_attempt_at,
      traceparent: row.traceparent,
    };
  });
}

async function findDirect(store: Store, ids: readonly string[], events: IdRange): Promise<DirectRow[]> {
  const { rows } = await store.pool.query<DirectRow>({
    name: 'load-direct',
    text: `
      SELECT d.id, d.created_at, d.state, d.run, d.attempts, d.last_status, d.state_reason, d.recorded_by,
             d.schedule_position, d.first_attempt_at, d.next_attempt_at, d.event_id, d.event_type, d.account_id,
             d.subscription_id, e.occurred_at, e.traceparent, b.body
      FROM deliveries d
      ${eventOfDelivery('$2', '$3')}
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
