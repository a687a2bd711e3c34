/** The operations behind every registration API, ours and the providers' own. */
import { lowestIdAt, newId } from '../contract/ids.js';
import type { EventDefinition } from '../contract/types.js';
import {
  candidates,
  commitEvents,
  planEvent,
  planFor,
  type EventInput,
  type PlannedEvent,
} from '../dispatch/accept.js';
import { resumeHeld } from '../dispatch/control.js';
import type { EgressClient } from '../egress/types.js';
import { contractOf } from '../providers/index.js';
import type { Registrar } from '../providers/registration.js';
import { findAccount, type StoredAccount } from '../store/accounts.js';
import { findAccountIdByKey } from '../store/api-keys.js';
import { listDeliveries } from '../store/deliveries.js';
import {
  allSubscriptions,
  deleteSubscription,
  findSubscriptionByReference,
  saveSubscription,
  type StoredSubscription,
} from '../store/subscriptions.js';
import type { ApiContext } from './context.js';
import { jsonBody } from './json-body.js';
import { invalidField } from './problem.js';
import { editedSubscription, newSubscription, type SubscriptionDraft } from './subscription-input.js';

export function createRegistrar(context: ApiContext & { readonly egress: EgressClient }): Registrar {
  const { store, dispatcher, egress } = context;

  async function commit(account: StoredAccount, planned: PlannedEvent): Promise<{ eventId: string }> {
    await commitEvents(store, account.id, [planned]);
    dispatcher.dispatch(planned.startables);
    return { eventId: planned.row.event.id };
  }

  return {
    readJson: jsonBody(context.maxBodyBytes),

    async authenticate(provider, key) {
      const id = await findAccountIdByKey(store, key);
      const account = id === undefined ? undefined : await findAccount(store, id);
      return account?.provider === provider ? account : undefined;
    },

    list: (account) => allSubscriptions(store, account.id),
    find: (account, reference) => findSubscriptionByReference(store, account.id, reference),
    draft: async (account, body) =>
      asStored(await newSubscription(context, contractOf(account.provider), account.id, body)),
    draftEdit: (account, previous, body) =>
      asStored(editedSubscription(context, contractOf(account.provider), previous, body), previous),

    async create(account, body) {
      return saveSubscription(store, await newSubscription(context, contractOf(account.provider), account.id, body));
    },

    async edit(account, previous, body) {
      const saved = await saveSubscription(
        store,
        editedSubscription(context, contractOf(account.provider), previous, body),
      );
      if (saved.enabled && !previous.enabled) await resumeHeld(context, saved.id);
      return saved;
    },

    save: (subscription) => saveSubscription(store, subscription),

    async remove(subscription) {
      await deleteSubscription(store, subscription.id);
    },

    sendTest: (account, subscription, eventType, data) =>
      commit(account, planFor(account, [subscription], exampleOf(account, eventType, data))),

    async emitExample(account, eventType) {
      const subscriptions = await candidates(store, account);
      return commit(account, planEvent(account, subscriptions, exampleOf(account, eventType)));
    },

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
        url: request.url,
        headers: request.headers,
        body,
        timeLimitMs: contract.timeLimitMs(event.type, account),
        maxRedirects: contract.maxRedirects(event.type, account),
      });
    },

    async log(subscription, { since, limit, beforeId, eventId }) {
      const rows = await listDeliveries(store, {
        subscriptionId: subscription.id,
        fromId: lowestIdAt('dlv', since),
        limit,
        ...(beforeId === undefined ? {} : { beforeId }),
        ...(eventId === undefined ? {} : { eventId }),
      });
      return rows.map(({ id, ...row }) => ({ ...row, deliveryId: id }));
    },
  };
}

/** A draft as it would be read back. */
function asStored(draft: SubscriptionDraft, previous?: StoredSubscription): StoredSubscription {
  const now = new Date();
  return { ...draft, createdAt: previous?.createdAt ?? now, updatedAt: now };
}

/** The documented example of an event type, or `data` in its place. Throws a problem about `type` when there is none. */
export function exampleOf({ provider }: StoredAccount, eventType: string, data?: unknown): EventInput {
  const definition = contractOf(provider).findEvent(eventType);
  if (!definition)
    throw invalidField('type', `${contractOf(provider).title} has no event ${JSON.stringify(eventType)}`);
  return exampleEvent(definition, data ?? definition.example);
}

function exampleEvent({ type }: EventDefinition, data: unknown): EventInput {
  return { type, occurredAt: new Date(), text: JSON.stringify(data), data, channels: [] };
}
