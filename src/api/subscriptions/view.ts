/** Subscriptions that callers may see, as the API shows them. */
import { disablesAt, ruleOf } from '../../contract/failing.js';
import { MASK } from '../../contract/mask.js';
import { contractOf } from '../../providers/registry.js';
import { canSee, type Principal } from '../../http/principal.js';
import { notFound } from '../../http/problem.js';
import { findAccount, type StoredAccount } from '../../store/accounts/accounts.js';
import { findSubscription, type StoredSubscription } from '../../store/subscriptions/subscriptions.js';
import type { ApiContext } from '../context.js';
import { showTlsClient } from './tls-client.js';

/** Finds a subscription and its account. Throws a 404 when it does not exist or the caller may not see it. */
export async function mustFindSubscription(
  { store }: Pick<ApiContext, 'store'>,
  principal: Principal,
  id: string,
): Promise<{ subscription: StoredSubscription; account: StoredAccount }> {
  const subscription = await findSubscription(store, id);
  const account = subscription && (await findAccount(store, subscription.accountId));
  if (!subscription || !account || !canSee(principal, account.id)) throw notFound('subscription');
  return { subscription, account };
}

/** Recent failures, and when they disable the subscription. */
function showHealth({ enabled, failing }: StoredSubscription, account: StoredAccount) {
  return {
    failingSince: failing?.since ?? null,
    lastFailureAt: failing?.lastAt ?? null,
    consecutiveFailures: failing?.attempts ?? 0,
    disablesAt: enabled ? disablesAt(failing, ruleOf(contractOf(account.provider), account)) : null,
  };
}

/** A subscription with its health. */
export function showWithHealth(subscription: StoredSubscription, account: StoredAccount) {
  return { ...showSubscription(subscription, account.provider), health: showHealth(subscription, account) };
}

/** A subscription without its secrets; header values are masked. */
export function showSubscription(subscription: StoredSubscription, provider: string) {
  const {
    id,
    reference,
    accountId,
    url,
    eventTypes,
    description,
    enabled,
    disabledReason,
    disabledAt,
    pausedAt,
    pausedReason,
    resumeRate: resumeRatePerSecond,
    headers,
    limits,
    filter,
    transformation,
  } = subscription;
  const { hasFilters, renderTransformed, subscriptions: rules } = contractOf(provider);
  return {
    id,
    reference,
    accountId,
    provider,
    url: url === '' ? null : url,
    eventTypes,
    description,
    enabled,
    disabledReason,
    disabledAt,
    pausedAt,
    pausedReason,
    resumeRatePerSecond,
    headers: Object.fromEntries(Object.keys(headers).map((name) => [name, MASK])),
    maxConcurrentAttempts: limits.maxConcurrentAttempts ?? null,
    ratePerSecond: limits.ratePerSecond ?? null,
    tlsClient: showTlsClient(subscription.tlsClient),
    ...(hasFilters ? { filter: filter === null ? null : (JSON.parse(filter) as unknown) } : {}),
    ...(renderTransformed ? { transformation } : {}),
    ...rules.toPublic(subscription),
    createdAt: subscription.createdAt,
    updatedAt: subscription.updatedAt,
  };
}
