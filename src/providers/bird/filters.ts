/**
 * Event filters: which events of its type a subscription takes.
 * https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions
 */
import { z } from 'zod';
import type { Service } from './events.js';

/** Every key that Bird documents for some service. */
const KEYS = ['channelId', 'messageStatus', 'interactionType', 'platformId', 'channelStatus', 'status'] as const;

export type FilterKey = (typeof KEYS)[number];

export interface EventFilter {
  readonly key: FilterKey;
  readonly value: string;
}

/** The keys by service. Numbers documents that it has none; payments documents nothing. */
export const FILTER_KEYS: Readonly<Record<Service, readonly FilterKey[]>> = {
  channels: KEYS,
  numbers: [],
  payments: [],
  conversations: ['channelId'],
};

/** Where a key's value stands in the payload, when its name there is another. */
const FIELDS: Readonly<Partial<Record<FilterKey, string>>> = {
  messageStatus: 'status',
  channelStatus: 'status',
  interactionType: 'type',
};

/**
 * The only key that a subscription may give more than once: "you can add multiple `status` filters to only get those
 * specified events" (https://docs.bird.com/api/voice-api/voice-webhooks). Two values of any other key could not both
 * hold; Bird asks for a subscription per interaction type and allows one channel each.
 */
const REPEATABLE: FilterKey = 'status';

export const eventFilters = z
  .array(z.strictObject({ key: z.enum(KEYS), value: z.string().min(1).max(255) }))
  .max(50)
  .refine(
    (filters) => hasDistinctKeys(filters.filter(({ key }) => key !== REPEATABLE)),
    `only ${REPEATABLE} may be filtered by more than one value; use one subscription per value`,
  );

/** Whether an event's payload passes all filters; of several `status` values one is enough. */
export function passes(payload: unknown, filters: readonly EventFilter[]): boolean {
  return filters.every(({ key }) =>
    filters.some((filter) => filter.key === key && filter.value === field(payload, key)),
  );
}

/** The first filter that a service does not have, or undefined. */
export function unknownFilter(filters: readonly EventFilter[], service: Service): EventFilter | undefined {
  return filters.find(({ key }) => !FILTER_KEYS[service].includes(key));
}

function field(payload: unknown, key: FilterKey): unknown {
  return (payload as Record<string, unknown> | null)?.[FIELDS[key] ?? key];
}

function hasDistinctKeys(filters: readonly EventFilter[]): boolean {
  return new Set(filters.map(({ key }) => key)).size === filters.length;
}
