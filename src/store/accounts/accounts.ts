/** Accounts and their rows. */
import type { Account } from '../../contract/entities.js';
import type { DeliveryPolicy } from '../../contract/delivery-policy.js';
import type { WorkflowMode } from '../../config/defaults.js';
import { inTransaction, onlyRow, type Queryable, type Store } from '../store.js';

/** An account as it is stored, typed by its provider's contract. */
export interface StoredAccount extends Account {
  readonly provider: string;
  /** Whether payloads are validated against the documented schema of their event. */
  readonly validatePayloads: boolean;
  /** Whether operational events are emitted to it. */
  readonly receivesOperationalEvents: boolean;
  /** Hours of failure after which its subscriptions are disabled unless the contract has a rule; null for never. */
  readonly disableAfterHours: number | null;
  /** Retention in days: 0 keeps data indefinitely, null uses the installation's setting. */
  readonly retentionDays: number | null;
  /** Deliveries that are started per rotation when several accounts wait. */
  readonly dispatchWeight: number;
  /** Maximum number of subscriptions; null uses the installation's setting. */
  readonly maxSubscriptions: number | null;
  /** The platform's own id of the account, unique among accounts that are not deleted; it never changes. */
  readonly externalId: string | null;
  /** The platform's own notes; Pigeonpost does not read them. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Where alerts for the customer are sent; null for nowhere. */
  readonly contactEmail: string | null;
  readonly environment: Environment;
  /** When its deliveries get a workflow; null uses the installation's setting. */
  readonly workflows: WorkflowMode | null;
  /** It sees event types that have one of these flags. */
  readonly featureFlags: readonly string[];
  /** Since when no attempts are made for any of its subscriptions; null while it is not paused. */
  readonly pausedAt: Date | null;
  readonly pausedReason: string | null;
  /** Deliveries per second while what waited during a pause is sent; null at other times. */
  readonly resumeRate: number | null;
  /** What it decides of its deliveries; null where the installation's policy alone applies. */
  readonly policy: DeliveryPolicy | null;
  /** The installation's policy; no column. */
  readonly installationPolicy?: DeliveryPolicy;
  /** The account that has created it through its provider's API; absent for those that an operator has created. */
  readonly parentId?: string;
  /** A name given by its owner, unique among its parent and the accounts below it; absent without one. */
  readonly uid?: string;
  /** Whether it gets the operational events of its parent and of the accounts below it. */
  readonly reportsParent?: boolean;
  /** Its last edit through its provider's API; absent before the first. */
  readonly updatedAt?: Date;
  readonly createdAt: Date;
}

/** Whether an account belongs to the platform's production or to its tests; it never changes. */
export const environments = ['live', 'test'] as const;
export type Environment = (typeof environments)[number];

/** The columns that `toAccount` reads. */
export interface AccountRow {
  id: string;
  provider: string;
  name: string;
  scope: unknown;
  settings: unknown;
  validate_payloads: boolean;
  receives_operational_events: boolean;
  disable_after_hours: number | null;
  retention_days: number | null;
  dispatch_weight: number;
  max_subscriptions: number | null;
  external_id: string | null;
  metadata: Record<string, string>;
  contact_email: string | null;
  environment: Environment;
  workflows: WorkflowMode | null;
  feature_flags: string[];
  paused_at: Date | string | null;
  paused_reason: string | null;
  resume_rate: number | null;
  policy: DeliveryPolicy | null;
  secrets: Buffer;
  parent_id: string | null;
  uid: string | null;
  reports_parent: boolean;
  updated_at: Date | string | null;
  created_at: Date;
}

/** Reads a row; decrypts the account's secrets. */
export function toAccount(store: Store, row: AccountRow): StoredAccount {
  return {
    id: row.id,
    provider: row.provider,
    name: row.name,
    scope: row.scope,
    settings: row.settings,
    validatePayloads: row.validate_payloads,
    receivesOperationalEvents: row.receives_operational_events,
    disableAfterHours: row.disable_after_hours,
    retentionDays: row.retention_days,
    dispatchWeight: row.dispatch_weight,
    maxSubscriptions: row.max_subscriptions,
    externalId: row.external_id,
    metadata: row.metadata,
    contactEmail: row.contact_email,
    environment: row.environment,
    workflows: row.workflows,
    featureFlags: row.feature_flags,
    // Text where the row was read as JSON.
    pausedAt: row.paused_at === null ? null : new Date(row.paused_at),
    pausedReason: row.paused_reason,
    resumeRate: row.resume_rate,
    policy: row.policy,
    installationPolicy: store.deliveryPolicy,
    secrets: store.box.open(row.secrets, row.id),
    ...(row.parent_id === null ? {} : { parentId: row.parent_id }),
    ...(row.uid === null ? {} : { uid: row.uid }),
    ...(row.reports_parent ? { reportsParent: true } : {}),
    ...(row.updated_at === null ? {} : { updatedAt: new Date(row.updated_at) }),
    createdAt: row.created_at,
  };
}

export async function insertAccount(
  store: Store,
  client: Queryable,
  account: Omit<StoredAccount, 'createdAt' | 'installationPolicy' | 'pausedAt' | 'pausedReason' | 'resumeRate'>,
  reference: string | null = null,
): Promise<Date> {
  const { rows } = await client.query<{ created_at: Date }>(
    `INSERT INTO accounts (id, provider, name, scope, settings, validate_payloads, secrets,
                           receives_operational_events, disable_after_hours, retention_days, dispatch_weight,
                           max_subscriptions, external_id, metadata, environment, workflows, feature_flags,
                           policy, parent_id, reference, uid, reports_parent, contact_email)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
     RETURNING created_at`,
    [
      account.id,
      account.provider,
      account.name,
      JSON.stringify(account.scope),
      JSON.stringify(account.settings),
      account.validatePayloads,
      store.box.seal(account.secrets, account.id),
      account.receivesOperationalEvents,
      account.disableAfterHours,
      account.retentionDays,
      account.dispatchWeight,
      account.maxSubscriptions,
      account.externalId,
      JSON.stringify(account.metadata),
      account.environment,
      account.workflows,
      account.featureFlags,
      account.policy && JSON.stringify(account.policy),
      account.parentId ?? null,
      reference,
      account.uid ?? null,
      account.reportsParent ?? false,
      account.contactEmail,
    ],
  );
  return rows[0]!.created_at;
}

/** What an operator chooses for an account of any provider. */
export type AccountChoices = Pick<
  StoredAccount,
  | 'receivesOperationalEvents'
  | 'disableAfterHours'
  | 'retentionDays'
  | 'dispatchWeight'
  | 'maxSubscriptions'
  | 'metadata'
  | 'contactEmail'
  | 'workflows'
  | 'featureFlags'
  | 'policy'
>;

/** The editable fields of an account. */
export type AccountEdit = AccountChoices & Pick<StoredAccount, 'name' | 'settings' | 'validatePayloads'>;

/** Edits an account under a lock, so that no concurrent change is lost; undefined when it does not exist. */
export async function editAccount(
  store: Store,
  id: string,
  edit: (former: StoredAccount) => AccountEdit,
): Promise<StoredAccount | undefined> {
  return inTransaction(store, async (client) => {
    await lockAccount(client, id);
    const former = await findAccount(store, id, client);
    if (!former) return undefined;
    const account = { ...former, ...edit(former) };
    await client.query(
      `UPDATE accounts SET name = $2, settings = $3, validate_payloads = $4, receives_operational_events = $5,
         disable_after_hours = $6, retention_days = $7, dispatch_weight = $8, max_subscriptions = $9,
         metadata = $10, workflows = $11, feature_flags = $12, policy = $13, contact_email = $14
       WHERE id = $1`,
      [
        id,
        account.name,
        JSON.stringify(account.settings),
        account.validatePayloads,
        account.receivesOperationalEvents,
        account.disableAfterHours,
        account.retentionDays,
        account.dispatchWeight,
        account.maxSubscriptions,
        JSON.stringify(account.metadata),
        account.workflows,
        account.featureFlags,
        account.policy && JSON.stringify(account.policy),
        account.contactEmail,
      ],
    );
    return account;
  });
}

/** The ids of the accounts to which operational events are emitted. */
export async function operationsAccountIds(client: Queryable): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    'SELECT id FROM accounts WHERE receives_operational_events AND deleted_at IS NULL ORDER BY id',
  );
  return rows.map(({ id }) => id);
}

export async function findAccount(
  store: Store,
  id: string,
  client: Queryable = store.pool,
): Promise<StoredAccount | undefined> {
  const result = await client.query<AccountRow>('SELECT * FROM accounts WHERE id = $1 AND deleted_at IS NULL', [id]);
  const row = onlyRow(result);
  return row && toAccount(store, row);
}

/** Locks an account until the transaction ends. */
export async function lockAccount(client: Queryable, id: string): Promise<void> {
  await client.query('SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE', [id]);
}

/**
 * Deletes an account with its keys and subscriptions, and the accounts below it; false when it does not exist. Its
 * deliveries stay readable.
 */
export async function deleteAccount(store: Store, id: string): Promise<boolean> {
  return inTransaction(store, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      'UPDATE accounts SET deleted_at = now(), contact_email = NULL WHERE (id = $1 OR parent_id = $1) AND deleted_at IS NULL RETURNING id',
      [id],
    );
    const ids = rows.map((row) => row.id);
    await client.query('UPDATE api_keys SET revoked_at = now() WHERE account_id = ANY($1) AND revoked_at IS NULL', [
      ids,
    ]);
    await client.query(
      `UPDATE subscriptions SET deleted_at = now(), updated_at = now()
       WHERE account_id = ANY($1) AND deleted_at IS NULL`,
      [ids],
    );
    return ids.includes(id);
  });
}

/** How many subscriptions an account has and may have. */
export interface SubscriptionQuota {
  readonly count: number;
  /** The account's maximum; null uses the installation's setting. */
  readonly max: number | null;
}

/** Loads the quota and locks the account until the transaction ends; undefined when the account does not exist. */
export async function lockSubscriptionQuota(
  client: Queryable,
  accountId: string,
): Promise<SubscriptionQuota | undefined> {
  await lockAccount(client, accountId);
  // A separate statement, as it must see what was committed during the wait for the lock.
  return onlyRow(
    await client.query<SubscriptionQuota>(
      `SELECT max_subscriptions AS max,
              (SELECT count(*)::integer FROM subscriptions WHERE account_id = $1 AND deleted_at IS NULL) AS count
       FROM accounts WHERE id = $1 AND deleted_at IS NULL`,
      [accountId],
    ),
  );
}
