/**
 * Standard Webhooks leaves the catalogue to the platform: every name of `[a-zA-Z0-9_]` parts separated by full stops is
 * an event type, and its data can be any JSON value.
 */
import { z } from 'zod';
import type { EventDefinition } from '../../contract/types.js';

const EVENT_TYPE = /^[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)*$/;

const anything = z.unknown();

/** Examples for the documentation; every other well-formed name is also valid. */
export const events: readonly EventDefinition[] = [
  {
    type: 'user.created',
    title: 'An example: someone signed up',
    data: anything,
    example: { id: 'usr_1', email: 'kim@example.com' },
  },
  {
    type: 'invoice.paid',
    title: 'An example: an invoice was paid',
    data: anything,
    example: { id: 'inv_1', total: 4200 },
  },
];

/** The definition of any well-formed event type, at most 128 characters. */
export function findEvent(type: string): EventDefinition | undefined {
  if (type.length > 128 || !EVENT_TYPE.test(type)) return undefined;
  return events.find((event) => event.type === type) ?? { type, title: type, data: anything, example: { test: true } };
}
