/**
 * Event filters: which events of its type a subscription receives.
 * https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions
 */
import { z } from 'zod';
import type { Service } from './events.js';

/** All keys that Bird documents for any service. */
const KEYS = ['channelId', 'messageStatus', 'interactionType', 'platformId', 'channelStatus', 'status'] as const;

export type FilterKey = (typeof KEYS)[number];

export interface EventFilter {
  readonly key: FilterKey;
  readonly value: string;
}

/** The keys by service. Bird documents that numbers has none; for payments it documents nothing. */
export const FILTER_KEYS: Readonly<Record<Service, readonly FilterKey[]>> = {
  channels: KEYS,
  numbers: [],
  payments: [],
  conversations: ['channelId'],
};

/** Payload paths of keys that have another name in the payload. */
const FIELDS: Readonly<Partial<Record<FilterKey, string>>> = {
  messageStatus: 'status',
  channelStatus: 'status',
  interactionType: 'type',
};

/**
 * The only key that a subscription can repeat: "you can add multiple `status` filters to only get those specified
 * events" (https://docs.bird.com/api/voice-api/voice-webhooks). Two values of any other key could not both match; Bird
 * asks for a subscription per interaction type and allows one channel each.
 */
const REPEATABLE: FilterKey = 'status';

export const eventFilters = z
  .array(z.strictObject({ key: z.enum(KEYS), value: z.string().min(1).max(255) }))
  .max(50)
  .refine(
    (filters) => hasDistinctKeys(filters.filter(({ key }) => key !== REPEATABLE)),
    `only ${REPEATABLE} may be filtered by more than one value; use one subscription per value`,
  );

/** Whether an event's payload matches all filters; with several `status` values one match is enough. */
export function passes(payload: unknown, filters: readonly EventFilter[]): boolean {
  return filters.every(({ key }) =>
    filters.some((filter) => filter.key === key && filter.value === field(payload, key)),
  );
}

/** The first filter that the service does not support, or undefined. */
export function unknownFilter(filters: readonly EventFilter[], service: Service): EventFilter | undefined {
  return filters.find(({ key }) => !FILTER_KEYS[service].includes(key));
}

function field(payload: unknown, key: FilterKey): unknown {
  return (payload as Record<string, unknown> | null)?.[FIELDS[key] ?? key];
}

function hasDistinctKeys(filters: readonly EventFilter[]): boolean {
  return new Set(filters.map(({ key }) => key)).size === filters.length;
}
