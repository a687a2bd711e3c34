/** Imports event types from the `webhooks` of an OpenAPI document. */
import { isDeepStrictEqual } from 'node:util';
import { setImmediate as afterOthers } from 'node:timers/promises';
import { z } from 'zod';
import { findEventType, type EventType, type EventTypeFields } from '../../store/event-types/event-types.js';
import type { ApiContext } from '../context.js';
import { check } from '../../http/check.js';
import { invalidField, Problem } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { checkName, completeFields, eventTypeFields, NEW_EVENT_TYPE } from './fields.js';
import { openApiDocument, readWebhooks, type DescribedEventType, type WebhookEntry } from './openapi-webhooks.js';
import { changeCatalogue } from './routes.js';

/** Maximum number of webhooks of one document. */
const MAX_WEBHOOKS = 500;

const importBody = z.strictObject({
  document: z.record(z.string(), z.unknown()).describe('An OpenAPI 3.1 document with `webhooks`.'),
  dryRun: z.boolean().optional().describe('Only says what would change. False by default.'),
});

const resultSchema = z
  .object({
    dryRun: z.boolean(),
    created: z.array(z.string()),
    updated: z.array(z.object({ name: z.string(), changes: z.array(z.string()).describe('Names of changed fields.') })),
    unchanged: z.array(z.string()),
    errors: z
      .array(z.object({ name: z.string(), path: z.string(), message: z.string() }))
      .describe('Webhooks that were not imported; the path is in the document or in the event type.'),
  })
  .openapi('EventTypeImport');

type Result = z.output<typeof resultSchema>;

/** An entry that can be saved. */
interface Candidate {
  readonly name: string;
  readonly fields: DescribedEventType;
}

export function importRoutes(routing: Routing, context: Pick<ApiContext, 'store' | 'eventTypes'>): void {
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/event-types/import',
      tag: 'Event types',
      scope: 'admin',
      summary: 'Import event types from an OpenAPI document',
      description:
        'One event type for each of its `webhooks`, by name: description, group (the first tag), schema and examples of ' +
        'the JSON body, or of its `data` where the body also has `type` and `timestamp`. Other fields stay unchanged, and ' +
        'no event type is deleted. A webhook with an error does not affect the others.',
      body: importBody,
      // A document may be larger than other bodies.
      readsBodyItself: true,
      responses: { status: 200, description: 'What has changed, or would change', schema: resultSchema },
      problems: [409],
    },
    async ({ request }) => {
      const { document, dryRun = false } = check(importBody, request.body);
      const webhooks = readWebhooks(check(openApiDocument, document, 'document'));
      if (webhooks.length > MAX_WEBHOOKS)
        throw invalidField('document.webhooks', `must not have more than ${MAX_WEBHOOKS} entries; import in parts`);
      return importWebhooks(context, webhooks, dryRun);
    },
  );
}

async function importWebhooks(
  context: Pick<ApiContext, 'store' | 'eventTypes'>,
  webhooks: readonly WebhookEntry[],
  dryRun: boolean,
): Promise<Result> {
  const result: Result = { dryRun, created: [], updated: [], unchanged: [], errors: [] };
  const candidates: Candidate[] = [];
  for (const webhook of webhooks) {
    // Compiling a schema takes some milliseconds, for which all other requests wait.
    await afterOthers();
    const former = await findEventType(context.store, webhook.name);
    const error = errorOf(webhook, former);
    if (error) result.errors.push({ name: webhook.name, ...error });
    else if ('fields' in webhook) candidates.push(webhook);
    if (dryRun && !error && 'fields' in webhook)
      record(result, webhook.name, former, completeFields(webhook.fields, former ?? NEW_EVENT_TYPE));
  }
  if (dryRun) return result;
  const saved = await changeCatalogue(
    context,
    candidates.map(({ name, fields }) => ({
      name,
      fields: (former) => completeFields(fields, former ?? NEW_EVENT_TYPE),
    })),
  );
  for (const { eventType, former } of saved) record(result, eventType.name, former, eventType);
  return result;
}

/** Why a webhook cannot be an event type. */
function errorOf(webhook: WebhookEntry, former: EventType | undefined): { path: string; message: string } | undefined {
  if (!('fields' in webhook)) return { path: webhook.path, message: webhook.message };
  try {
    checkName(webhook.name);
    check(eventTypeFields, webhook.fields);
    completeFields(webhook.fields, former ?? NEW_EVENT_TYPE);
    return undefined;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const [first] = error.errors ?? [];
    return first ?? { path: '', message: error.detail };
  }
}

function record(result: Result, name: string, former: EventType | undefined, fields: EventTypeFields): void {
  if (!former) {
    result.created.push(name);
    return;
  }
  const names = Object.keys(NEW_EVENT_TYPE) as (keyof EventTypeFields)[];
  const changes = names.filter((field) => !isDeepStrictEqual(former[field], fields[field]));
  if (changes.length === 0) result.unchanged.push(name);
  else result.updated.push({ name, changes });
}
