/** The alerts that rules have raised. */
import { z } from 'zod';
import { alertConditions } from '../../contract/alerts.js';
import { page, readCursor } from '../../http/paging.js';
import { addRoute, type Routing } from '../../http/route.js';
import { listAlerts, type ListedAlert } from '../../store/alerts/alerts.js';
import type { ApiContext } from '../context.js';
import { pageOf, paging, time } from '../schemas.js';

const messageSchema = z
  .object({
    attempts: z.int(),
    sentAt: time.nullable(),
    nextAttemptAt: time.nullable().describe('Null once it was sent or given up.'),
    lastError: z.string().nullable(),
  })
  .nullable();

const alertSchema = z
  .object({
    id: z.string(),
    ruleId: z.string(),
    ruleName: z.string(),
    condition: z.enum(alertConditions),
    subscriptionId: z.string().nullable().describe('Null for a backlog.'),
    accountId: z.string().nullable().describe('Null for the backlog of all accounts.'),
    accountName: z.string().nullable(),
    url: z.string().nullable(),
    detail: z.string(),
    since: time.describe('Since when the condition holds.'),
    raisedAt: time,
    until: time.nullable().describe('Null while it lasts.'),
    message: messageSchema.describe('The message that it was raised, or the last one that repeated it.'),
    endMessage: messageSchema.describe('The message that it is over.'),
  })
  .openapi('Alert');

export function alertListRoutes(routing: Routing, { store }: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/alerts',
      tag: 'Alerts',
      scope: 'read',
      summary: 'List alerts',
      description: 'Kept for 90 days after they are over.',
      query: paging.extend({
        ruleId: z.string().optional(),
        accountId: z.string().optional(),
        open: z.enum(['true', 'false']).optional().describe('Only those that last, or only those that are over.'),
      }),
      responses: { status: 200, description: 'Alerts, newest first', schema: pageOf(alertSchema) },
    },
    async ({ query: { limit, cursor, open: asked, ...filter } }) => {
      const open = asked === undefined ? undefined : asked === 'true';
      const rows = await listAlerts(store, { ...filter, open, before: readCursor('alt', cursor), limit: limit + 1 });
      return page(rows, limit, show);
    },
  );
}

function show({ objectId, facts, endedAt, condition, ...alert }: ListedAlert) {
  const subscriptionId = condition === 'backlog_older_than' ? null : objectId;
  return { ...alert, condition, subscriptionId, ...facts, until: endedAt };
}
