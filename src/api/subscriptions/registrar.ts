/** Operations of all registration APIs: ours and the providers' own. */
import { lowestIdAt, newId } from '../../contract/ids.js';
import type { EventDefinition } from '../../contract/types.js';
import { fanOut, fanOutTo, type EventInput, type FanOut } from '../../dispatch/fan-out.js';
import { resumePaused } from '../../dispatch/commands/commands.js';
import type { EgressClient } from '../../egress/types.js';
import { contractOf } from '../../providers/registry.js';
import type { Admission, Registrar } from '../../providers/registration.js';
import { lockAccount, lockSubscriptionQuota, type StoredAccount } from '../../store/accounts/accounts.js';
import { listAttempts, loadAttemptMaterial } from '../../store/attempts/attempts.js';
import { listDeliveries } from '../../store/deliveries/deliveries.js';
import type { CachedSubscriptions } from '../../store/subscriptions/subscription-cache.js';
import { attemptFigures } from '../../store/reports/figures.js';
import { claimKey, findResponse } from '../../store/events/idempotency.js';
import { inTransaction, type Queryable } from '../../store/store.js';
import { deleteSubscription, lockSubscription, recordRotated } from '../../store/subscriptions/changes.js';
import {
  allSubscriptions,
  findIdByReference,
  findSubscriptionByReference,
  hasSubscribed,
  isUidTaken,
  saveSubscription,
  type StoredSubscription,
} from '../../store/subscriptions/subscriptions.js';
import type { Planner } from '../../dispatch/event-writer.js';
import { acceptEvents } from '../accept-events.js';
import type { ApiContext } from '../context.js';
import { explain } from '../../http/errors.js';
import { plainJsonBody } from '../../http/json-body.js';
import { allHidden, rejectMovedSecrets } from './masked-values.js';
import { invalidField, notFound, Problem } from '../../http/problem.js';
import { editedSubscription, newSubscription, type SubscriptionDraft } from './input.js';

/** Stored with an idempotency key whose response is made from the stored subscription. */
const NO_RESPONSE = { fingerprint: Buffer.alloc(0), response: null };

export function createRegistrar(context: ApiContext & { readonly egress: EgressClient }): Registrar {
  const { store, egress } = context;

  /** Accepts the event that `plan` makes for the account. */
  function emit(accountId: string, plan: (...parts: Parameters<Planner<unknown>>) => FanOut) {
    return acceptEvents(context, accountId, (entry, size) => {
      const planned = plan(entry, size);
      const { id, occurredAt } = planned.row.event;
      return { events: [planned], reply: { eventId: id, occurredAt } };
    });
  }

  /**
   * Throws a problem when the account is at its limit; the lock prevents other additions until the transaction ends.
   */
  async function checkQuota(client: Queryable, accountId: string): Promise<void> {
    const quota = await lockSubscriptionQuota(client, accountId);
    if (!quota) throw notFound('account');
    const max = quota.max ?? context.maxSubscriptions;
    if (quota.count < max) return;
    throw new Problem(
      'quota_exceeded',
      `the account may have ${max} subscriptions; delete one that is no longer needed, or ask the operator for more`,
    );
  }

  /** Saves the draft, which is made inside the transaction so that no concurrent change is overwritten. */
  async function save(
    accountId: string,
    draft: (client: Queryable) => SubscriptionDraft | Promise<SubscriptionDraft>,
    admit?: Admission,
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
        return saveSubscription(store, subscription, client);
      });
    } catch (error) {
      throw isUidTaken(error) ? new Problem('conflict', 'another subscription of the account has this uid') : error;
    }
  }

  async function current(client: Queryable, { id }: StoredSubscription): Promise<StoredSubscription> {
    const subscription = await lockSubscription(store, client, id);
    if (!subscription) throw notFound('subscription');
    return subscription;
  }

  /** Resumes paused deliveries. The sweep resumes the rest when Temporal is unavailable or there are too many. */
  async function resumeSoon(subscriptionId: string): Promise<void> {
    try {
      await resumePaused(context, subscriptionId);
    } catch (error) {
      context.log.warn(
        { err: error, subscriptionId },
        'cannot resume paused deliveries now; the sweep will resume them',
      );
    }
  }

  return {
    readJson: plainJsonBody(context.maxBodyBytes),

    async authenticate(provider, key, caller) {
      return (await context.signIn(caller, key, provider))?.account;
    },

    list: (account) => allSubscriptions(store, account.id),
    find: (account, reference) => findSubscriptionByReference(store, account.id, reference),
    draft: async (account, body) =>
      asStored(await newSubscription(context, contractOf(account.provider), account.id, body)),
    draftEdit: (account, previous, body) =>
      asStored(editedSubscription(context, contractOf(account.provider), previous, body), previous),

    async create(account, body, admit) {
      const draft = await newSubscription(context, contractOf(account.provider), account.id, body);
      const admitted = async (client: Queryable) => {
        await checkQuota(client, account.id);
        return draft;
      };
      return save(account.id, admitted, admit);
    },

    async edit(account, seen, changes, { admit, isHidden = allHidden } = {}) {
      const contract = contractOf(account.provider);
      let wasEnabled = seen.enabled;
      const edited = async (client: Queryable) => {
        const previous = await current(client, seen);
        wasEnabled = previous.enabled;
        const body = typeof changes === 'function' ? changes(previous) : changes;
        const draft = editedSubscription(context, contract, previous, body);
        rejectMovedSecrets(contract.subscriptions, { seen, current: previous }, body, isHidden);
        return draft;
      };
      const saved = await save(account.id, edited, admit);
      if (saved.enabled && !wasEnabled) await resumeSoon(saved.id);
      return saved;
    },

    rotate: (subscription, secretsAfter, idempotencyKey) =>
      inTransaction(store, async (client) => {
        const previous = await current(client, subscription);
        if (idempotencyKey !== undefined && !(await claimKey(client, previous.accountId, idempotencyKey, NO_RESPONSE)))
          return previous;
        await recordRotated(client, previous.id);
        return saveSubscription(store, { ...previous, secrets: secretsAfter(previous) }, client);
      }),

    async remove(subscription) {
      await deleteSubscription(store, subscription.id);
    },

    sendTest: (account, subscription, eventType, data) =>
      emit(account.id, (entry, size) =>
        fanOutTo(entry.account, [currentIn(entry, subscription.id)], exampleOf(entry.account, eventType, data), size),
      ),

    emitExample: (account, eventType) =>
      emit(account.id, (entry, size) =>
        fanOut(entry.account, entry.subscriptions, exampleOf(entry.account, eventType), size),
      ),

    async probe(account, subscription, eventType) {
      const contract = contractOf(account.provider);
      const event = { ...exampleOf(account, eventType), id: newId('evt') };
      const body = contract.renderBody({ event, account, subscription });
      const now = new Date();
      const request = contract.request({
        account,
        subscription,
        event,
        delivery: { id: newId('dlv'), createdAt: now },
        body,
        now,
        firstAttemptAt: now,
        retriesRemaining: 0,
      });
      return egress.send({
        account: account.id,
        url: request.url,
        headers: request.headers,
        body,
        timeLimitMs: contract.timeLimitMs(event.type, account),
        maxRedirects: contract.maxRedirects(event.type, account),
        ...(subscription.tlsClient ? { tlsClient: subscription.tlsClient } : {}),
      });
    },

    async log(subscription, { since, limit, beforeId, eventId, states }) {
      const rows = await listDeliveries(store, {
        subscriptionId: subscription.id,
        fromId: lowestIdAt('dlv', since),
        limit,
        ...(beforeId === undefined ? {} : { beforeId }),
        ...(eventId === undefined ? {} : { eventId }),
        ...(states === undefined ? {} : { states }),
      });
      return rows.map(({ id, ...row }) => ({ ...row, deliveryId: id }));
    },

    async attempts(deliveryId) {
      const [material, attempts] = await Promise.all([
        loadAttemptMaterial(store, deliveryId),
        listAttempts(store, deliveryId),
      ]);
      return { body: material?.body ?? '', attempts };
    },

    explain: (error, response) => explain(error, response, context.log),
    hasSubscribed: (account) => hasSubscribed(store, account.id),
    findPosition: (account, reference) => findIdByReference(store, account.id, reference),
    recall: async (account, key) => (await findResponse(store, account.id, key))?.response,

    async remember(account, key, response) {
      await claimKey(store.pool, account.id, key, { ...NO_RESPONSE, response });
    },

    figures: (subscription, window) => attemptFigures(store, { subscriptionId: subscription.id, ...window }),
  };
}

/** A subscription of the account; throws a problem when it no longer exists. */
export function currentIn({ subscriptions }: CachedSubscriptions, id: string): StoredSubscription {
  const found = subscriptions.find((subscription) => subscription.id === id);
  if (!found) throw notFound('subscription');
  return found;
}

/** A draft as it would be read from the database. */
function asStored(draft: SubscriptionDraft, previous?: StoredSubscription): StoredSubscription {
  const now = new Date();
  const { failing = null, disabledAt = null, createdAt = now } = previous ?? {};
  return { ...draft, disabledAt, failing, createdAt, updatedAt: now };
}

/** An event with `data`, or with the documented example of its type. Throws a problem for an unknown type. */
export function exampleOf(account: StoredAccount, eventType: string, data?: unknown): EventInput {
  const contract = contractOf(account.provider);
  const definition = contract.findEvent(eventType);
  if (!definition) throw invalidField('type', `${contract.title} has no event ${JSON.stringify(eventType)}`);
  return exampleEvent(definition, data ?? definition.exampleOf?.(account) ?? definition.example);
}

function exampleEvent({ type }: EventDefinition, data: unknown): EventInput {
  return { type, occurredAt: new Date(), text: JSON.stringify(data), data, channels: [] };
}
