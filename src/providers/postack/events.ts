/**
 * Postack documents its webhooks only as "events around SMS messages":
 * https://docs.postack.dev/api-reference/webhooks/introduction
 *
 * It publishes no names or fields. The five events below are inferred from the use cases it lists (replying to
 * customers, handling undelivered messages, reports). All their fields are optional, and any other event type name that
 * Svix allows is also accepted.
 */
import { z } from 'zod';
import { catalogue, defineEvent } from '../../contract/contract.js';
import type { EventDefinition } from '../../contract/types.js';

/** Svix, `EventTypeName`: svix-server/src/core/types/mod.rs. */
export const EVENT_TYPE = /^[a-zA-Z0-9\-_.]{1,256}$/;

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
  defineEvent({ type: 'message.received', title: 'A message was received', data: message, example: inbound }),
  defineEvent({
    type: 'message.sent',
    title: 'A message was sent to the mobile network',
    data: message,
    example: { ...outbound, status: 'sent' },
  }),
  defineEvent({
    type: 'message.delivered',
    title: 'A message was delivered to its handset',
    data: message,
    example: { ...outbound, status: 'delivered' },
  }),
  defineEvent({
    type: 'message.undelivered',
    title: 'A message was not delivered to its handset',
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
