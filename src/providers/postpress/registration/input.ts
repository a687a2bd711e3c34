/** Schemas of requests to postpress' API. https://api.postpress.io/docs/webhooks-create, /webhooks-list */
import { z } from 'zod';
import type { SubscriptionBody } from '../../registration.js';
import { MAX_NAME_LENGTH } from '../contract.js';
import { SOURCES } from '../sources.js';
import { PostpressError } from './errors.js';

const MISSING = 'is missing';
/** Maximum number of issues in one error. */
const MAX_REPORTED = 50;

/**
 * The common fields of all sources; the contract validates what differs between them. Unknown fields are ignored: the
 * reference does not forbid them, and unipile-node-sdk lets programs add some.
 */
const creation = z.object({
  source: z.enum(SOURCES),
  request_url: z.string(),
  name: z.string().max(MAX_NAME_LENGTH).optional(),
  format: z.enum(['json', 'form']).optional(),
  enabled: z.boolean().optional(),
  account_ids: z.array(z.string()).optional(),
  events: z.array(z.string()).optional(),
  headers: z
    .array(z.object({ key: z.string(), value: z.string() }))
    .superRefine((headers, context) => {
      const seen = new Set<string>();
      const again = headers.findIndex(({ key }) => seen.size === seen.add(key.toLowerCase()).size);
      if (again !== -1) context.addIssue({ code: 'custom', path: [again, 'key'], message: 'is given twice' });
    })
    .optional(),
  data: z.array(z.object({ name: z.string(), key: z.string() })).optional(),
});

/** The `/v1` fields of a new webhook. */
export function readCreation(body: unknown): SubscriptionBody {
  const input = parse(creation, body === undefined ? {} : body);
  return {
    source: input.source,
    url: input.request_url,
    eventTypes: input.events ?? [],
    headers: Object.fromEntries((input.headers ?? []).map(({ key, value }) => [key, value])),
    name: input.name,
    format: input.format,
    enabled: input.enabled,
    accountIds: input.account_ids,
    data: input.data,
    origin: 'api',
  };
}

const DEFAULT_LIMIT = 100;
const HIGHEST_LIMIT = 250;

const query = z.object({
  limit: z.string().regex(/^\d+$/, 'must be a whole number').transform(Number).optional(),
  cursor: z.string().min(1).optional(),
});

/** The content of a cursor, in the format of unipile-node-sdk (`WebhookListDecodedCursorSchema`): base64 of JSON. */
const position = z.object({
  limit: z.int().min(1).max(HIGHEST_LIMIT),
  cursor: z.object({ last_id: z.string().min(1) }),
});

/** A page of a list: up to `limit` subscriptions after the one with our id `after`. */
export interface Page {
  readonly limit: number;
  readonly after?: string;
}

/** Parameters of a list. A limit in the query replaces the cursor's own. */
export function readPage(input: unknown): Page {
  const { limit, cursor } = parse(query, input);
  const from = cursor === undefined ? undefined : readCursor(cursor);
  const requested = limit ?? from?.limit ?? DEFAULT_LIMIT;
  if (requested < 1) throw new PostpressError('invalid_parameters', 'limit: must be at least 1');
  if (requested > HIGHEST_LIMIT) throw new PostpressError('limit_too_high', `limit: must be at most ${HIGHEST_LIMIT}`);
  return { limit: requested, ...(from === undefined ? {} : { after: from.cursor.last_id }) };
}

/** The cursor of the page after the subscription with our id `last`. */
export function writeCursor(limit: number, last: string): string {
  const next: z.input<typeof position> = { limit, cursor: { last_id: last } };
  return Buffer.from(JSON.stringify(next)).toString('base64');
}

function readCursor(cursor: string): z.output<typeof position> {
  try {
    return position.parse(JSON.parse(Buffer.from(cursor, 'base64').toString('utf8')));
  } catch {
    throw new PostpressError('invalid_parameters', 'cursor: must be the cursor of a former page');
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value, { error: ({ input }) => (input === undefined ? MISSING : undefined) });
  if (result.success) return result.data;
  const { issues } = result.error;
  const detail = issues
    .slice(0, MAX_REPORTED)
    .map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`)
    .join('; ');
  throw new PostpressError(errorType(issues[0]!), detail);
}

function errorType({
  code,
  message,
}: z.core.$ZodIssue): 'missing_parameters' | 'too_many_characters' | 'invalid_parameters' {
  if (message === MISSING) return 'missing_parameters';
  return code === 'too_big' ? 'too_many_characters' : 'invalid_parameters';
}
