/** Finds subscriptions of all accounts, or of one. */
import { toSubscription, type StoredSubscription, type SubscriptionRow } from './subscriptions.js';
import type { Store } from '../store.js';

/** What subscriptions can be listed by: what their owner or their receiver has made of them. */
export const subscriptionConditions = ['enabled', 'disabled', 'paused', 'failing'] as const;
export type SubscriptionCondition = (typeof subscriptionConditions)[number];

const IN_CONDITION: Readonly<Record<SubscriptionCondition, string>> = {
  enabled: 's.enabled',
  disabled: 'NOT s.enabled',
  paused: 's.paused_at IS NOT NULL',
  failing: 's.enabled AND s.failing IS NOT NULL',
};

export interface SubscriptionFilter {
  readonly accountId?: string | undefined;
  readonly provider?: string | undefined;
  /** The host of the URL, without a port. */
  readonly host?: string | undefined;
  /** In the URL, the description or the account's name, in any case; or the id or reference. */
  readonly text?: string | undefined;
  readonly condition?: SubscriptionCondition | undefined;
  /** Only ids before this one. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Subscriptions with the name of their account, the newest first. */
export async function findSubscriptions(
  store: Store,
  { accountId, provider, host, text, condition, before, limit }: SubscriptionFilter,
): Promise<(StoredSubscription & { readonly accountName: string })[]> {
  const values: unknown[] = [];
  const value = (given: unknown): string => `$${values.push(given)}`;
  const conditions = [
    's.deleted_at IS NULL',
    ...(accountId === undefined ? [] : [`s.account_id = ${value(accountId)}`]),
    ...(provider === undefined ? [] : [`a.provider = ${value(provider)}`]),
    ...(host === undefined ? [] : [`url_host(s.url) = ${value(host)}`]),
    ...(text === undefined ? [] : [contains(value(text), value(text.toLowerCase()))]),
    ...(condition === undefined ? [] : [IN_CONDITION[condition]]),
    ...(before === undefined ? [] : [`s.id < ${value(before)}`]),
  ];
  const { rows } = await store.pool.query<SubscriptionRow & { account_name: string }>(
    `SELECT s.*, a.name AS account_name FROM subscriptions s JOIN accounts a ON a.id = s.account_id
     WHERE ${conditions.join(' AND ')} ORDER BY s.id DESC LIMIT ${value(limit)}`,
    values,
  );
  return rows.map((row) => ({ ...toSubscription(store, row), accountName: row.account_name }));
}

function contains(exact: string, lower: string): string {
  return `(s.id = ${exact} OR s.reference = ${exact} OR strpos(lower(s.url), ${lower}) > 0
           OR strpos(lower(s.description), ${lower}) > 0 OR strpos(lower(a.name), ${lower}) > 0)`;
}

/** Whose subscriptions to look for, and of which host. */
interface OfHost {
  readonly accountId?: string | undefined;
  readonly host: string;
}

/** Subscriptions of a host whose deliveries are listed at most. */
const MAX_OF_HOST = 10_000;

/** The ids of all subscriptions of a host, deleted ones as well, the newest first and at most 10,000. */
export async function subscriptionIdsOfHost(store: Store, { accountId, host }: OfHost): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>(
    `SELECT id FROM subscriptions WHERE url_host(url) = $1 AND ($2::text IS NULL OR account_id = $2)
     ORDER BY id DESC LIMIT ${MAX_OF_HOST}`,
    [host, accountId ?? null],
  );
  return rows.map(({ id }) => id);
}

/** The ids of subscriptions with a text in their URL, deleted ones as well, the newest first. */
export async function subscriptionIdsByUrl(
  store: Store,
  {
    accountId,
    text,
    limit,
  }: { readonly accountId?: string | undefined; readonly text: string; readonly limit: number },
): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>(
    `SELECT id FROM subscriptions WHERE strpos(lower(url), $1) > 0 AND ($2::text IS NULL OR account_id = $2)
     ORDER BY id DESC LIMIT $3`,
    [text.toLowerCase(), accountId ?? null, limit],
  );
  return rows.map(({ id }) => id);
}

/** Hosts of subscriptions that contain a text, or are that of a URL, those with the most subscriptions first. */
export async function findHosts(
  store: Store,
  {
    accountId,
    text,
    host,
    limit,
  }: {
    readonly accountId?: string | undefined;
    readonly text: string;
    readonly host?: string | undefined;
    readonly limit: number;
  },
): Promise<{ host: string; subscriptions: number }[]> {
  const { rows } = await store.pool.query<{ host: string; subscriptions: number }>(
    `SELECT url_host(url) AS host, count(*)::integer AS subscriptions FROM subscriptions
     WHERE deleted_at IS NULL AND (strpos(url_host(url), $1) > 0 OR url_host(url) = $4)
       AND ($2::text IS NULL OR account_id = $2)
     GROUP BY 1 ORDER BY subscriptions DESC, host LIMIT $3`,
    [text.toLowerCase(), accountId ?? null, limit, host ?? null],
  );
  return rows;
}

/** The URL of a subscription and the name of its account, as lists of deliveries show them. */
export interface Receiver {
  readonly url: string;
  readonly accountName: string;
}

/** The receivers of subscriptions by id, including deleted ones. */
export async function findReceivers(store: Store, ids: readonly string[]): Promise<Map<string, Receiver>> {
  const { rows } = await store.pool.query<Receiver & { id: string }>(
    `SELECT s.id, s.url, a.name AS "accountName" FROM subscriptions s JOIN accounts a ON a.id = s.account_id
     WHERE s.id = ANY($1)`,
    [ids],
  );
  return new Map(rows.map(({ id, ...receiver }) => [id, receiver]));
}
