/** An account with a subscription and some open deliveries: what the queries are asked about. */
import { newId } from '#src/contract/ids.js';
import { insertAccount } from '#src/store/accounts/accounts.js';
import { insertEvents, type NewEvent } from '#src/store/events/events.js';
import type { Store } from '#src/store/store.js';
import { saveSubscription } from '#src/store/subscriptions/subscriptions.js';

/** Open deliveries in each of the states that the sweep looks for. */
const OPEN = 200;
const PROVIDER = 'standard';

export interface Sample {
  readonly accountId: string;
  readonly subscriptionId: string;
  /** A hundred deliveries that wait for their first attempt, and their events. */
  readonly deliveryIds: readonly string[];
  readonly eventIds: readonly string[];
}

/** An event with one delivery, as it is written. */
export function newEvent(accountId: string, subscriptionId: string): NewEvent {
  const text = '{"id":1}';
  return {
    event: { id: newId('evt'), type: 'user.created', occurredAt: new Date(), channels: [], text },
    accountId,
    provider: PROVIDER,
    addressed: false,
    bodies: new Map([['default', text]]),
    deliveries: [{ id: newId('dlv'), subscriptionId, bodyVariant: 'default' }],
  };
}

/** Whose deliveries are written. */
export type SampleOwner = Pick<Sample, 'accountId' | 'subscriptionId'>;

/** What tells accounts and their subscriptions apart. */
export interface OwnerNames {
  readonly name: string;
  readonly externalId: string | null;
  readonly url: string;
}

const SAMPLE: OwnerNames = { name: 'Sample', externalId: null, url: 'https://receiver.example.com/hooks' };

/** Writes an account with a subscription. */
export async function makeOwner(store: Store, { name, externalId, url } = SAMPLE): Promise<SampleOwner> {
  const [accountId, subscriptionId] = [newId('acc'), newId('sub')];
  await insertAccount(store, store.pool, {
    id: accountId,
    provider: PROVIDER,
    name,
    scope: {},
    settings: {},
    validatePayloads: false,
    receivesOperationalEvents: false,
    disableAfterHours: null,
    retentionDays: 14,
    dispatchWeight: 1,
    maxSubscriptions: null,
    externalId,
    metadata: {},
    contactEmail: null,
    environment: 'live',
    workflows: null,
    featureFlags: [],
    policy: null,
    secrets: {},
  });
  await saveSubscription(store, {
    id: subscriptionId,
    reference: subscriptionId,
    accountId,
    url,
    eventTypes: [],
    description: null,
    enabled: true,
    disabledReason: null,
    options: {},
    limits: {},
    filter: null,
    transformation: null,
    policy: null,
    headers: {},
    secrets: {},
  });
  return { accountId, subscriptionId };
}

/** Writes open deliveries; those without an owner are older than the sweep allows. */
export async function makeOpen(store: Store, { accountId, subscriptionId }: SampleOwner): Promise<Sample> {
  const states = [
    `updated_at = now()`,
    `updated_at = now() - interval '1 hour'`,
    `state = 'retrying', owned = true, next_attempt_at = now() - interval '1 hour'`,
    `owned = true, updated_at = now() - interval '1 hour'`,
    `state = 'paused', owned = true, state_reason = 'the subscription is disabled'`,
  ];
  const made = [];
  for (const state of states) {
    const events = Array.from({ length: OPEN }, () => newEvent(accountId, subscriptionId));
    await insertEvents(store, store.pool, events);
    const deliveryIds = events.flatMap(({ deliveries }) => deliveries.map(({ id }) => id));
    await store.pool.query(`UPDATE deliveries SET ${state} WHERE id = ANY($1)`, [deliveryIds]);
    made.push({ deliveryIds, eventIds: events.map(({ event }) => event.id) });
  }
  const { deliveryIds, eventIds } = made[0]!;
  return { accountId, subscriptionId, deliveryIds: deliveryIds.slice(0, 100), eventIds: eventIds.slice(0, 100) };
}
