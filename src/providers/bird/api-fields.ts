/**
 * What requests to Bird's API hold.
 * https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions, the pages create-a-webhook-subscription,
 * update-a-webhook-subscription, list-webhook-subscriptions and webhook-subscription-logs
 */
import { z } from 'zod';
import { invalid, invalidField } from '../../http/problem.js';
import { isId, uuidToId, type IdKind } from '../../contract/ids.js';
import type { SubscriptionBody } from '../registration.js';
import { words } from './api-errors.js';
import { SERVICES } from './events.js';
import { eventFilters } from './filters.js';

const changeable = {
  url: z.string(),
  signingKey: z.string().optional(),
  eventFilters: eventFilters.nullable().optional(),
  template: z.string().optional(),
};

/** Both are published with `additionalProperties: false`, the update with `minProperties: 1` as well. */
const creation = z.strictObject({ service: z.enum(SERVICES), event: z.string(), ...changeable });
const update = z.strictObject({ ...changeable, status: z.enum(['active', 'inactive']) }).partial();

/** A new subscription as `/v1` takes it. */
export function readCreation(body: unknown): SubscriptionBody {
  const { event, signingKey, ...given } = check(creation, body === undefined ? {} : body);
  return { ...given, eventTypes: [event], ...keptKey(signingKey) };
}

/** Changes of a subscription as `/v1` takes them. */
export function readUpdate(body: unknown): SubscriptionBody {
  const changes = check(update, body === undefined ? {} : body);
  if (Object.keys(changes).length === 0) throw invalidField('', 'must name at least one property');
  const { status, signingKey, ...given } = changes;
  return { ...given, ...(status === undefined ? {} : { enabled: status === 'active' }), ...keptKey(signingKey) };
}

/** The published schema does not forbid an empty key; nothing can be signed with it, so it is none. */
function keptKey(signingKey: string | undefined): { signingKey?: string | null } {
  return signingKey === undefined ? {} : { signingKey: signingKey || null };
}

/** The name is taken literally: `SearchFilter[service]=channels`. */
const SERVICE_FILTER = 'SearchFilter[service]';

const MAX_TOKEN_LENGTH = 8_000;

const page = z.object({
  limit: z
    .string()
    .regex(/^([1-9]\d?|100)$/, 'must be a whole number from 1 to 100')
    .default('10')
    .transform(Number),
  pageToken: z.string().max(MAX_TOKEN_LENGTH).optional(),
});
const listQuery = page.extend({ [SERVICE_FILTER]: z.enum(SERVICES).optional() });

/** How a delivery stands, as logs name it. Only `succeeded` is published. */
export const EXECUTION_STATUSES = ['succeeded', 'failed', 'pending'] as const;
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];
const logQuery = page.extend({ executionStatus: z.enum(EXECUTION_STATUSES).optional() });

const detailsQuery = z.object({ requestId: z.string() });

/** What a list is asked for; `after` is our id of the last subscription of the page before. */
export function readListQuery(query: unknown) {
  const { limit, pageToken, [SERVICE_FILTER]: service } = check(listQuery, query);
  return { limit, after: readToken('sub', pageToken), service };
}

/** What a log is asked for; `before` is our id of the last delivery of the page before. */
export function readLogQuery(query: unknown) {
  const { limit, pageToken, executionStatus } = check(logQuery, query);
  return { limit, before: readToken('dlv', pageToken), executionStatus };
}

/** The event of the `messagebird-request-id` that log details are asked for. */
export function readRequestId(query: unknown): string {
  const eventId = uuidToId('evt', check(detailsQuery, query).requestId);
  if (eventId === undefined) throw invalidField('requestId', 'value must be a UUID');
  return eventId;
}

/** Tokens are the cursors of our own pages. */
function readToken(kind: IdKind, token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  const id = Buffer.from(token, 'base64url').toString('utf8');
  if (!isId(kind, id)) throw invalidField('pageToken', 'must be the nextPageToken of a former page');
  return id;
}

function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value, { error: words });
  if (!result.success) throw invalid(result.error);
  return result.data;
}
