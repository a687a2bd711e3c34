/**
 * Postscript's events: https://developers.postscript.io/docs/configuring-webhooks and, for their names, the
 * create-webhook-subscription, example-event and test-shop-webhook operations of its API reference.
 *
 * Only `shop.incoming_message` has a documented `event_data`. The fields of the others use the same names and are
 * optional, because Postscript documents none as required.
 */
import { z } from 'zod';
import { catalogue, defineEvent } from '../../contract/contract.js';
import type { EventDefinition } from '../../contract/types.js';
import type { Scope } from './account.js';

const EMAIL_COLLECTED = 'shop.email_collected';

/** The spelling of {@link EMAIL_COLLECTED} in create-webhook-subscription; all other pages have a single `shop.`. */
const EMAIL_COLLECTED_ON_CREATION = 'shop.shop.email_collected';

/** Shopify's customer number; the documented example is null and its type is not documented. */
const shopifyCustomerId = z.union([z.string(), z.number()]).nullable();

const test = z.looseObject({});

const incomingMessage = z.looseObject({
  id: z.string(),
  subscriber_id: z.string(),
  shop_id: z.string(),
  is_opt_out: z.boolean(),
  shopify_customer_id: shopifyCustomerId,
  from_number: z.string(),
  created_at: z.string(),
  body: z.string(),
});

const subscriber = z.looseObject({
  id: z.string().optional(),
  subscriber_id: z.string().optional(),
  shop_id: z.string().optional(),
  phone_number: z.string().optional(),
  shopify_customer_id: shopifyCustomerId.optional(),
  created_at: z.string().optional(),
});

const emailCollected = z.looseObject({
  shop_id: z.string().optional(),
  email: z.string().optional(),
  created_at: z.string().optional(),
});

const exampleSubscriber = {
  id: 's_7654321dcba',
  subscriber_id: 's_7654321dcba',
  shop_id: 'shop_7654321dcba',
  phone_number: '+15555550123',
  shopify_customer_id: null,
  created_at: '2026-03-02T10:11:12.345678',
};

/** An event whose data has the shop's id; the example gets the id of the account. */
function withShop(
  definition: EventDefinition & { readonly example: Readonly<Record<string, unknown>> },
): EventDefinition {
  return { ...definition, exampleOf: ({ scope }) => ({ ...definition.example, shop_id: (scope as Scope).shopId }) };
}

export const events: readonly EventDefinition[] = [
  defineEvent({ type: 'shop.test', title: 'A test of a subscription', data: test, example: {} }),
  withShop({
    type: 'shop.incoming_message',
    title: 'A subscriber sent the shop a message',
    data: incomingMessage,
    example: {
      id: 'im_9c8b7a6d5e4f3a2b',
      subscriber_id: 's_7654321dcba',
      shop_id: 'shop_7654321dcba',
      is_opt_out: false,
      shopify_customer_id: null,
      from_number: '+15555550123',
      created_at: '2026-03-02T10:11:12.345678',
      body: 'Is it in stock?',
    },
  }),
  withShop({
    type: 'shop.subscriber.opt_in',
    title: "A subscriber opted in to the shop's messages",
    data: subscriber,
    example: exampleSubscriber,
  }),
  withShop({
    type: 'shop.subscriber.opt_out',
    title: "A subscriber opted out of the shop's messages",
    data: subscriber,
    example: exampleSubscriber,
  }),
  withShop({
    type: EMAIL_COLLECTED,
    title: 'A popup collected an email address',
    data: emailCollected,
    example: { shop_id: 'shop_7654321dcba', email: 'kim@example.com', created_at: '2026-03-02T10:11:12.345678' },
  }),
];

const findByName = catalogue(events);

/** Normalizes the event name that Postscript spells in two ways; other names are unchanged. */
export function canonicalType(type: string): string {
  return type === EMAIL_COLLECTED_ON_CREATION ? EMAIL_COLLECTED : type;
}

/** The definition of an event, in either spelling of its name. */
export function findEvent(type: string): EventDefinition | undefined {
  return findByName(canonicalType(type));
}
