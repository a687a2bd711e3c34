/** Subscriptions that callers may see, as the API shows them. */
import { isOpen, trialSize, type Breaker } from '../../contract/breaker.js';
import { disablesAt, ruleOf } from '../../contract/failing.js';
import { MASK } from '../../contract/mask.js';
import { contractOf } from '../../providers/registry.js';
import { canSee, type Principal } from '../../http/principal.js';
import { notFound } from '../../http/problem.js';
import { countWaitingForBreaker } from '../../store/deliveries/breaker-waiting.js';
import type { Store } from '../../store/store.js';
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

/** The circuit breaker of a subscription; null while it is closed. */
function showBreaker(breaker: Breaker) {
  if (!isOpen(breaker)) return null;
  const { since, attempts, failures, failedProbes, nextProbeAt, stage, trial } = breaker;
  return {
    state: stage === 0 ? 'open' : 'closing',
    since: new Date(since),
    attempts,
    failures,
    failedProbes,
    nextProbeAt: stage === 0 && trial.length === 0 ? new Date(nextProbeAt) : null,
    atOnce: trial.length === 0 ? trialSize(breaker) : trial.length,
  };
}

/** A subscription with its health, and how many deliveries wait for its circuit breaker. */
export async function showOneWithHealth(store: Store, subscription: StoredSubscription, account: StoredAccount) {
  const shown = showWithHealth(subscription, account);
  if (!shown.breaker) return shown;
  return { ...shown, breaker: { ...shown.breaker, waiting: await countWaitingForBreaker(store, subscription.id) } };
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
    policy,
  } = subscription;
  const { hasFilters, hasDeliveryPolicy, renderTransformed, subscriptions: rules } = contractOf(provider);
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
    ...(hasDeliveryPolicy ? { breaker: showBreaker(subscription.breaker) } : {}),
    headers: Object.fromEntries(Object.keys(headers).map((name) => [name, MASK])),
    maxConcurrentAttempts: limits.maxConcurrentAttempts ?? null,
    ratePerSecond: limits.ratePerSecond ?? null,
    tlsClient: showTlsClient(subscription.tlsClient),
    policy,
    ...(hasFilters ? { filter: filter === null ? null : (JSON.parse(filter) as unknown) } : {}),
    ...(renderTransformed ? { transformation } : {}),
    ...rules.toPublic(subscription),
    createdAt: subscription.createdAt,
    updatedAt: subscription.updatedAt,
  };
}
