/**
 * Postack says only that its webhooks are "events around SMS messages":
 * https://docs.postack.dev/api-reference/webhooks/introduction
 *
 * Names and fields are published nowhere. The five events below are inferred from the uses it lists (responding to
 * customers, handling undelivered messages, reports), their fields are all optional, and any other name of the form
 * that Svix allows is an event type as well.
 */
import { z } from 'zod';
import { catalogue, defineEvent } from '../../contract/contract.js';
import type { EventDefinition } from '../../contract/types.js';

/** Svix, `EventTypeName`: svix-server/src/core/types/mod.rs. */
const EVENT_TYPE = /^[a-zA-Z0-9\-_.]{1,256}$/;

const message = z.looseObject({
  id: z.string().optional(),
  direction: z.string().optional(),
  from: z.string().optional(),
  to: z.string().optional(),
  body: z.string().optional(),
  status: z.string().optional(),
  error: z.looseObject({ code: z.string().optional(), message: z.string().optional() }).optional(),
});

const anyObject = z.looseObject({});

const inbound = {
  id: 'msg_01ht5x2p4q',
  direction: 'inbound',
  from: '+15555550101',
  to: '+15555550100',
  body: 'Is it in stock?',
  status: 'received',
};

const outbound = {
  id: 'msg_01ht5x3r7s',
  direction: 'outbound',
  from: '+15555550100',
  to: '+15555550101',
  body: 'Your order is on its way.',
};

export const events: readonly EventDefinition[] = [
  defineEvent({ type: 'message.received', title: 'A message came in', data: message, example: inbound }),
  defineEvent({
    type: 'message.sent',
    title: 'A message was handed to the carrier',
    data: message,
    example: { ...outbound, status: 'sent' },
  }),
  defineEvent({
    type: 'message.delivered',
    title: 'A message reached its handset',
    data: message,
    example: { ...outbound, status: 'delivered' },
  }),
  defineEvent({
    type: 'message.undelivered',
    title: 'A message did not reach its handset',
    data: message,
    example: {
      ...outbound,
      status: 'undelivered',
      error: { code: '30003', message: 'Unreachable destination handset' },
    },
  }),
  defineEvent({
    type: 'message.failed',
    title: 'A message could not be sent',
    data: message,
    example: { ...outbound, status: 'failed', error: { code: '30007', message: 'Message filtered' } },
  }),
];

const findInferred = catalogue(events);

/** The definition of any well-formed event type. */
export function findEvent(type: string): EventDefinition | undefined {
  if (!EVENT_TYPE.test(type)) return undefined;
  return findInferred(type) ?? { type, title: type, data: anyObject, example: {} };
}
