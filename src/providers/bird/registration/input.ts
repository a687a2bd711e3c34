/**
 * Schemas of requests to Bird's API. https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions,
 * the pages create-a-webhook-subscription, update-a-webhook-subscription, list-webhook-subscriptions and
 * webhook-subscription-logs
 */
import { z } from 'zod';
import { isId, uuidToId, type IdKind } from '../../../contract/ids.js';
import { invalid, invalidField } from '../../../http/problem.js';
import type { SubscriptionBody } from '../../registration.js';
import { SERVICES } from '../events.js';
import { eventFilters } from '../filters.js';
import { errorText } from './errors.js';

const changeable = {
  url: z.string(),
  signingKey: z.string().optional(),
  eventFilters: eventFilters.nullable().optional(),
  template: z.string().optional(),
};

/** Both schemas are published with `additionalProperties: false`, the update also with `minProperties: 1`. */
const creation = z.strictObject({ service: z.enum(SERVICES), event: z.string(), ...changeable });
const update = z.strictObject({ ...changeable, status: z.enum(['active', 'inactive']) }).partial();

/** The `/v1` fields of a new subscription. */
export function readCreation(body: unknown): SubscriptionBody {
  const { event, signingKey, ...input } = parse(creation, body === undefined ? {} : body);
  return { ...input, eventTypes: [event], ...toSigningKey(signingKey) };
}

/** The `/v1` fields of an edit. */
export function readUpdate(body: unknown): SubscriptionBody {
  const changes = parse(update, body === undefined ? {} : body);
  if (Object.keys(changes).length === 0) throw invalidField('', 'must name at least one property');
  const { status, signingKey, ...input } = changes;
  return { ...input, ...(status === undefined ? {} : { enabled: status === 'active' }), ...toSigningKey(signingKey) };
}

/** The published schema allows an empty key, but it cannot sign; it counts as no key. */
function toSigningKey(signingKey: string | undefined): { signingKey?: string | null } {
  return signingKey === undefined ? {} : { signingKey: signingKey || null };
}

/** The literal name of the parameter: `SearchFilter[service]=channels`. */
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

/** Delivery status in logs. Only `succeeded` is documented. */
export const EXECUTION_STATUSES = ['succeeded', 'failed', 'pending'] as const;
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];
const logQuery = page.extend({ executionStatus: z.enum(EXECUTION_STATUSES).optional() });

const detailsQuery = z.object({ requestId: z.string() });

/** Parameters of a list; `after` is our id of the last subscription on the previous page. */
export function readListQuery(query: unknown) {
  const { limit, pageToken, [SERVICE_FILTER]: service } = parse(listQuery, query);
  return { limit, after: readToken('sub', pageToken), service };
}

/** Parameters of a log; `before` is our id of the last delivery on the previous page. */
export function readLogQuery(query: unknown) {
  const { limit, pageToken, executionStatus } = parse(logQuery, query);
  return { limit, before: readToken('dlv', pageToken), executionStatus };
}

/** The event id from the `messagebird-request-id` in a request for log details. */
export function readRequestId(query: unknown): string {
  const eventId = uuidToId('evt', parse(detailsQuery, query).requestId);
  if (eventId === undefined) throw invalidField('requestId', 'value must be a UUID');
  return eventId;
}

/** Page tokens are the cursors of our own pages. */
function readToken(kind: IdKind, token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  const id = Buffer.from(token, 'base64url').toString('utf8');
  if (!isId(kind, id)) throw invalidField('pageToken', 'must be the nextPageToken of a former page');
  return id;
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value, { error: errorText });
  if (!result.success) throw invalid(result.error);
  return result.data;
}
