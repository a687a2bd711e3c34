/** Subscriptions and their rows. Custom headers and the contract's own secrets are encrypted together. */
import type { Breaker } from '../../contract/breaker.js';
import type { DeliveryPolicy } from '../../contract/delivery-policy.js';
import type { Failing } from '../../contract/failing.js';
import type { Subscription } from '../../contract/entities.js';
import type { ClientCertificate } from '../../egress/types.js';
import type { AttemptLimits } from './limits.js';
import { isReported, Operation, Report } from '../events/operational-events.js';
import { onlyRow, violatesUniqueIndex, type Queryable, type Store } from '../store.js';

/** A subscription as it is stored, typed by its provider's contract. */
export interface StoredSubscription extends Subscription {
  readonly accountId: string;
  /** Why it is disabled; null when its owner disabled it. */
  readonly disabledReason: string | null;
  /** When it was disabled; null while it is enabled. */
  readonly disabledAt: Date | null;
  /** Since when no attempts are made and deliveries wait; null while it is not paused. */
  readonly pausedAt: Date | null;
  readonly pausedReason: string | null;
  /** Deliveries per second while what waited during a pause is sent; null at other times. */
  readonly resumeRate: number | null;
  readonly limits: AttemptLimits;
  /** Which events it receives besides its event types, as checked JSON text (src/dispatch/payload/filter.ts); null for all. */
  readonly filter: string | null;
  /** The JSONata expression that makes the payload of its bodies; null for the payload as it was sent. */
  readonly transformation: string | null;
  /** What it decides of its deliveries; null for nothing. */
  readonly policy: DeliveryPolicy | null;
  /** The client certificate for mutual TLS; encrypted at rest with its key. */
  readonly tlsClient?: ClientCertificate;
  /** Set while every attempt fails. */
  readonly failing: Failing | null;
  /** Its circuit breaker; null while that is closed and has nothing to count. */
  readonly breaker: Breaker;
  readonly updatedAt: Date;
}

/** The columns that `toSubscription` reads. */
export interface SubscriptionRow {
  id: string;
  reference: string;
  account_id: string;
  url: string;
  event_types: string[];
  description: string | null;
  enabled: boolean;
  disabled_reason: string | null;
  disabled_at: Date | null;
  paused_at: Date | string | null;
  paused_reason: string | null;
  resume_rate: number | null;
  failing: FailingJson | null;
  breaker: Breaker;
  options: unknown;
  limits: AttemptLimits;
  filter: string | null;
  transformation: string | null;
  policy: DeliveryPolicy | null;
  secrets: Buffer;
  created_at: Date;
  updated_at: Date;
}

/** The JSON of the column: times are ISO text. */
export type FailingJson = { readonly [Name in keyof Failing]: JsonOf<Failing[Name]> };
type JsonOf<T> = T extends Date ? string : T;

/** Reads the column. */
export function readFailing(json: FailingJson | null): Failing | null {
  return (
    json && {
      since: new Date(json.since),
      lastAt: new Date(json.lastAt),
      attempts: json.attempts,
      spanSince: new Date(json.spanSince),
      clockSince: json.clockSince === null ? null : new Date(json.clockSince),
    }
  );
}

interface SealedSecrets {
  headers: Record<string, string>;
  own: unknown;
  tlsClient?: ClientCertificate;
}

/** Reads a row; decrypts headers and secrets. */
export function toSubscription(store: Store, row: SubscriptionRow): StoredSubscription {
  const { headers, own, tlsClient } = store.box.open(row.secrets, row.id) as SealedSecrets;
  return {
    id: row.id,
    reference: row.reference,
    accountId: row.account_id,
    url: row.url,
    eventTypes: row.event_types,
    description: row.description,
    enabled: row.enabled,
    disabledReason: row.disabled_reason,
    disabledAt: row.disabled_at,
    // Text where the row was read as JSON.
    pausedAt: row.paused_at === null ? null : new Date(row.paused_at),
    pausedReason: row.paused_reason,
    resumeRate: row.resume_rate,
    failing: readFailing(row.failing),
    breaker: row.breaker,
    headers,
    options: row.options,
    limits: row.limits,
    filter: row.filter,
    transformation: row.transformation,
    policy: row.policy,
    ...(tlsClient ? { tlsClient } : {}),
    secrets: own,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** The next number of a subscription, unique over all accounts and never reused. */
export async function nextSubscriptionNumber(store: Store): Promise<number> {
  const { rows } = await store.pool.query<{ number: string }>(`SELECT nextval('subscription_numbers') AS number`);
  return Number(rows[0]!.number);
}

/** The fields that are saved. */
export type SavedSubscription = Omit<StoredSubscription, NotSaved>;
type NotSaved =
  'disabledAt' | 'pausedAt' | 'pausedReason' | 'resumeRate' | 'failing' | 'breaker' | 'createdAt' | 'updatedAt';

/**
 * Inserts a subscription, or replaces every editable column of the existing one. Enabling resets `failing`. The statement
 * reads the snapshot before its own changes, so `former` is the subscription before the edit.
 */
export async function saveSubscription(
  store: Store,
  subscription: SavedSubscription,
  client: Queryable = store.pool,
): Promise<StoredSubscription> {
  const { rows } = await client.query<SubscriptionRow>(
    `WITH saved AS (
       INSERT INTO subscriptions
         (id, reference, account_id, url, event_types, description, enabled, disabled_reason, options, secrets, limits,
          filter, transformation, policy)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $14, $15, $16)
       ON CONFLICT (id) DO UPDATE SET
         url = excluded.url, event_types = excluded.event_types, description = excluded.description,
         enabled = excluded.enabled, disabled_reason = excluded.disabled_reason, options = excluded.options,
         secrets = excluded.secrets, limits = excluded.limits, filter = excluded.filter,
         transformation = excluded.transformation, policy = excluded.policy, updated_at = now(),
         failing = CASE WHEN subscriptions.enabled OR NOT excluded.enabled THEN subscriptions.failing END
       RETURNING *
     ), notified AS (
       INSERT INTO operational_events (type, subscription_id, facts)
       SELECT CASE WHEN saved.enabled THEN $12 ELSE $13 END, saved.id,
              jsonb_build_object('reason', saved.disabled_reason)
       FROM saved JOIN subscriptions former ON former.id = saved.id AND former.enabled <> saved.enabled
     ), reported AS (
       INSERT INTO operational_events (type, subscription_id, facts)
       SELECT CASE WHEN former.id IS NULL THEN '${Report.created}' ELSE '${Report.updated}' END, saved.id, '{}'
       FROM saved LEFT JOIN subscriptions former ON former.id = saved.id
       WHERE ${isReported('saved.account_id')}
     )
     SELECT * FROM saved`,
    [
      subscription.id,
      subscription.reference,
      subscription.accountId,
      subscription.url,
      subscription.eventTypes,
      subscription.description,
      subscription.enabled,
      subscription.disabledReason,
      JSON.stringify(subscription.options),
      store.box.seal(
        {
          headers: subscription.headers,
          own: subscription.secrets,
          ...(subscription.tlsClient ? { tlsClient: subscription.tlsClient } : {}),
        } satisfies SealedSecrets,
        subscription.id,
      ),
      JSON.stringify(subscription.limits),
      Operation.enabled,
      Operation.disabled,
      subscription.filter,
      subscription.transformation,
      subscription.policy && JSON.stringify(subscription.policy),
    ],
  );
  return toSubscription(store, rows[0]!);
}

/** Whether saving failed because another subscription of the account has the same `uid` in its options. */
export function isUidTaken(error: unknown): boolean {
  return violatesUniqueIndex(error, 'subscriptions_by_uid');
}

export async function findSubscription(
  store: Store,
  id: string,
  client: Queryable = store.pool,
): Promise<StoredSubscription | undefined> {
  const result = await client.query<SubscriptionRow>(
    'SELECT * FROM subscriptions WHERE id = $1 AND deleted_at IS NULL',
    [id],
  );
  const row = onlyRow(result);
  return row && toSubscription(store, row);
}

/** Subscriptions of an account before the id `before`, the newest first and at most `limit`. */
export async function listSubscriptions(
  store: Store,
  { accountId, limit, before }: { accountId: string; limit: number; before?: string },
): Promise<StoredSubscription[]> {
  const { rows } = await store.pool.query<SubscriptionRow>(
    `SELECT * FROM subscriptions
     WHERE account_id = $1 AND deleted_at IS NULL AND ($3::text IS NULL OR id < $3)
     ORDER BY id DESC LIMIT $2`,
    [accountId, limit, before ?? null],
  );
  return rows.map((row) => toSubscription(store, row));
}

/** All subscriptions of an account, the oldest first. */
export async function allSubscriptions(
  store: Store,
  accountId: string,
  client: Queryable = store.pool,
): Promise<StoredSubscription[]> {
  const { rows } = await client.query<SubscriptionRow>(
    'SELECT * FROM subscriptions WHERE account_id = $1 AND deleted_at IS NULL ORDER BY id',
    [accountId],
  );
  return rows.map((row) => toSubscription(store, row));
}

/** A subscription of an account by its id in the provider's format. */
export async function findSubscriptionByReference(
  store: Store,
  accountId: string,
  reference: string,
): Promise<StoredSubscription | undefined> {
  const result = await store.pool.query<SubscriptionRow>(
    'SELECT * FROM subscriptions WHERE account_id = $1 AND reference = $2 AND deleted_at IS NULL',
    [accountId, reference],
  );
  const row = onlyRow(result);
  return row && toSubscription(store, row);
}

/** The id of a subscription of an account, deleted or not, by its id in the provider's format. */
export async function findIdByReference(
  store: Store,
  accountId: string,
  reference: string,
): Promise<string | undefined> {
  const result = await store.pool.query<{ id: string }>(
    'SELECT id FROM subscriptions WHERE account_id = $1 AND reference = $2',
    [accountId, reference],
  );
  return onlyRow(result)?.id;
}

/** Whether an account has or had a subscription. */
export async function hasSubscribed(store: Store, accountId: string): Promise<boolean> {
  const { rows } = await store.pool.query('SELECT FROM subscriptions WHERE account_id = $1 LIMIT 1', [accountId]);
  return rows.length > 0;
}

/** All enabled subscriptions of an account. */
export async function enabledSubscriptions(store: Store, accountId: string): Promise<StoredSubscription[]> {
  const { rows } = await store.pool.query<SubscriptionRow>(
    'SELECT * FROM subscriptions WHERE account_id = $1 AND enabled AND deleted_at IS NULL ORDER BY id',
    [accountId],
  );
  return rows.map((row) => toSubscription(store, row));
}
