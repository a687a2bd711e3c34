/** Test events: an event type's documented example, or data that the caller gives. */
import { newId } from '../../contract/ids.js';
import type { EventDefinition } from '../../contract/types.js';
import type { Planner } from '../../dispatch/event-writer.js';
import { fanOut, fanOutTo, type EventInput, type FanOut } from '../../dispatch/fan-out.js';
import type { EgressClient } from '../../egress/types.js';
import { contractOf } from '../../providers/registry.js';
import type { Registrar } from '../../providers/registration.js';
import type { StoredAccount } from '../../store/accounts/accounts.js';
import type { CachedSubscriptions } from '../../store/subscriptions/subscription-cache.js';
import type { StoredSubscription } from '../../store/subscriptions/subscriptions.js';
import { acceptEvents } from '../accept-events.js';
import type { ApiContext } from '../context.js';
import { definedExample, type CatalogueContext } from '../event-types/checks.js';
import { invalidField, notFound } from '../../http/problem.js';

type TestEvents = Pick<Registrar, 'sendTest' | 'emitExample' | 'probe'>;

/** The operations that send test events for all registration APIs. */
export function testEvents(context: ApiContext & { readonly egress: EgressClient }): TestEvents {
  const { egress } = context;

  /** Accepts the event that `plan` makes for the account. */
  function emit(accountId: string, plan: (...parts: Parameters<Planner<unknown>>) => FanOut) {
    return acceptEvents(context, accountId, (entry, size) => {
      const planned = plan(entry, size);
      const { id, occurredAt } = planned.row.event;
      return { events: [planned], reply: { eventId: id, occurredAt } };
    });
  }

  return {
    sendTest: (account, subscription, eventType, data) =>
      emit(account.id, (entry, size) =>
        fanOutTo(
          entry.account,
          [currentIn(entry, subscription.id)],
          exampleOf(context, entry.account, eventType, data),
          size,
        ),
      ),

    emitExample: (account, eventType) =>
      emit(account.id, (entry, size) =>
        fanOut(entry.account, entry.subscriptions, exampleOf(context, entry.account, eventType), size),
      ),

    async probe(account, subscription, eventType) {
      const contract = contractOf(account.provider);
      const event = { ...exampleOf(context, account, eventType), id: newId('evt') };
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
  };
}

/** A subscription of the account; throws a problem when it no longer exists. */
export function currentIn({ subscriptions }: CachedSubscriptions, id: string): StoredSubscription {
  const found = subscriptions.find((subscription) => subscription.id === id);
  if (!found) throw notFound('subscription');
  return found;
}

/**
 * An event with `data`, or with the example that the platform defined or the contract documents for its type. Throws a
 * problem for an unknown type.
 */
export function exampleOf(
  context: CatalogueContext,
  account: StoredAccount,
  eventType: string,
  data?: unknown,
): EventInput {
  const contract = contractOf(account.provider);
  const definition = contract.findEvent(eventType);
  if (!definition) throw invalidField('type', `${contract.title} has no event ${JSON.stringify(eventType)}`);
  const example = definedExample(context, account, eventType);
  const policy = context.eventTypes.find(definition.type)?.policy;
  return {
    ...exampleEvent(definition, data ?? example ?? definition.exampleOf?.(account) ?? definition.example),
    ...(policy ? { eventTypePolicy: policy } : {}),
    isTest: true,
  };
}

function exampleEvent({ type }: EventDefinition, data: unknown): EventInput {
  return { type, occurredAt: new Date(), text: JSON.stringify(data), data, channels: [] };
}
