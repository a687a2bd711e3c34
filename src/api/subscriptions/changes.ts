/** Creates, edits and deletes subscriptions for all registration APIs. */
import { resumePaused } from '../../dispatch/commands/commands.js';
import { contractOf } from '../../providers/registry.js';
import type { Admission, OnSaved, Registrar } from '../../providers/registration.js';
import { lockAccount, lockSubscriptionQuota } from '../../store/accounts/accounts.js';
import { claimKey } from '../../store/events/idempotency.js';
import { inTransaction, type Queryable, type Store } from '../../store/store.js';
import { deleteSubscription, lockSubscription, recordRotated } from '../../store/subscriptions/changes.js';
import {
  allSubscriptions,
  isUidTaken,
  saveSubscription,
  type StoredSubscription,
} from '../../store/subscriptions/subscriptions.js';
import type { ApiContext } from '../context.js';
import { notFound, Problem } from '../../http/problem.js';
import { checkNewReceivers } from './callbacks.js';
import { editedSubscription, newSubscription, type SubscriptionDraft } from './input.js';
import { allHidden, rejectMovedSecrets } from './masked-values.js';

/** Stored with an idempotency key whose response is made from the stored subscription. */
const NO_RESPONSE = { fingerprint: Buffer.alloc(0), response: null };

type Changes = Pick<Registrar, 'draft' | 'draftEdit' | 'create' | 'edit' | 'rotate' | 'remove'>;

/** The operations that change subscriptions, and those that only validate a change. */
export function subscriptionChanges(context: ApiContext): Changes {
  const { store } = context;

  return {
    draft: async (account, body) => asStored(await newSubscription(context, account, body)),
    draftEdit: (account, previous, body) => asStored(editedSubscription(context, account, previous, body), previous),

    async create(account, body, admit, onSaved) {
      await context.eventTypes.ready();
      const draft = await newSubscription(context, account, body);
      const admitted = async (client: Queryable) => {
        await checkQuota(context, client, account.id);
        await checkNewReceivers({ store, client }, account, draft);
        return draft;
      };
      return save(store, account.id, admitted, admit, onSaved);
    },

    async edit(account, seen, changes, { admit, isHidden = allHidden } = {}) {
      const contract = contractOf(account.provider);
      await context.eventTypes.ready();
      let wasEnabled = seen.enabled;
      const edited = async (client: Queryable) => {
        const previous = await current(store, client, seen);
        wasEnabled = previous.enabled;
        const body = typeof changes === 'function' ? changes(previous) : changes;
        const draft = editedSubscription(context, account, previous, body);
        rejectMovedSecrets(contract.subscriptions, { seen, current: previous }, body, isHidden);
        await checkNewReceivers({ store, client }, account, draft, previous);
        return draft;
      };
      const saved = await save(store, account.id, edited, admit);
      if (saved.enabled && !wasEnabled) await resumeSoon(context, saved.id);
      return saved;
    },

    rotate: (subscription, secretsAfter, idempotencyKey) =>
      inTransaction(store, async (client) => {
        const previous = await current(store, client, subscription);
        if (idempotencyKey !== undefined && !(await claimKey(client, previous.accountId, idempotencyKey, NO_RESPONSE)))
          return previous;
        await recordRotated(client, previous.id);
        return saveSubscription(store, { ...previous, secrets: secretsAfter(previous) }, client);
      }),

    async remove(subscription) {
      await deleteSubscription(store, subscription.id);
    },
  };
}

/** Throws a problem when the account is at its limit; the lock prevents other additions until the transaction ends. */
async function checkQuota({ maxSubscriptions }: ApiContext, client: Queryable, accountId: string): Promise<void> {
  const quota = await lockSubscriptionQuota(client, accountId);
  if (!quota) throw notFound('account');
  const max = quota.max ?? maxSubscriptions;
  if (quota.count < max) return;
  throw new Problem(
    'quota_exceeded',
    `the account may have ${max} subscriptions; delete one that is no longer needed, or ask the operator for more`,
  );
}

/** Saves the draft, which is made inside the transaction so that no concurrent change is overwritten. */
async function save(
  store: Store,
  accountId: string,
  draft: (client: Queryable) => SubscriptionDraft | Promise<SubscriptionDraft>,
  admit?: Admission,
  onSaved?: OnSaved,
): Promise<StoredSubscription> {
  try {
    return await inTransaction(store, async (client) => {
      if (admit) await lockAccount(client, accountId);
      const subscription = await draft(client);
      if (admit) {
        const all = await allSubscriptions(store, accountId, client);
        const others = all.filter(({ id }) => id !== subscription.id);
        admit(asStored(subscription), others);
      }
      const saved = await saveSubscription(store, subscription, client);
      await onSaved?.(client, saved);
      return saved;
    });
  } catch (error) {
    throw isUidTaken(error) ? new Problem('conflict', 'another subscription of the account has this uid') : error;
  }
}

/** The current subscription, locked against other edits. */
async function current(store: Store, client: Queryable, { id }: StoredSubscription): Promise<StoredSubscription> {
  const subscription = await lockSubscription(store, client, id);
  if (!subscription) throw notFound('subscription');
  return subscription;
}

/** Resumes paused deliveries. The sweep resumes the rest when Temporal is unavailable or there are too many. */
async function resumeSoon(context: ApiContext, subscriptionId: string): Promise<void> {
  try {
    await resumePaused(context, subscriptionId);
  } catch (error) {
    context.log.warn({ err: error, subscriptionId }, 'cannot resume paused deliveries now; the sweep will resume them');
  }
}

/** A draft as it would be read from the database. */
function asStored(draft: SubscriptionDraft, previous?: StoredSubscription): StoredSubscription {
  const now = new Date();
  const { failing = null, disabledAt = null, createdAt = now } = previous ?? {};
  const { pausedAt = null, pausedReason = null, resumeRate = null, breaker = null } = previous ?? {};
  return { ...draft, disabledAt, pausedAt, pausedReason, resumeRate, failing, breaker, createdAt, updatedAt: now };
}
