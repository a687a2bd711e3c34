/** Reads the audit log. */
import { z } from 'zod';
import { page, readCursor } from '../http/paging.js';
import { addRoute, type Routing } from '../http/route.js';
import { auditSources, listAudit } from '../store/audit.js';
import type { ApiContext } from './context.js';
import { pageOf, paging, time } from './schemas.js';

const entrySchema = z
  .object({
    id: z.string(),
    at: time,
    role: z.enum(['operator', 'account']),
    via: z
      .enum(auditSources)
      .describe('How the request came; portal is a link of the customer portal, provider a provider’s own API.'),
    keyId: z.string().nullable().describe('The key; null for the admin key of the settings.'),
    keyName: z.string().nullable(),
    sessionId: z
      .string()
      .nullable()
      .describe('The session of the dashboard, or the portal link, that was made with the key.'),
    address: z.string().nullable().describe('Where the request came from.'),
    requestId: z.string().nullable().describe('X-Request-Id of the request.'),
    action: z.string().describe('Method and path, such as POST /v1/deliveries/{id}/cancel.'),
    accountId: z.string().nullable(),
    objectId: z.string().nullable().describe('What was changed, commanded or created.'),
    status: z
      .int()
      .nullable()
      .describe('HTTP status of the response; null when none was recorded because the process died.'),
  })
  .openapi('AuditEntry');

export function auditRoutes(routing: Routing, { store }: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/audit',
      tag: 'Access',
      scope: 'admin',
      summary: 'List who changed and commanded what',
      description:
        'Has every change and command through the API, the command line, the dashboard and the providers’ own APIs, ' +
        'but no emitted events, and nothing of the bodies of requests. Kept for PIGEONPOST_AUDIT_DAYS.',
      query: paging.extend({
        accountId: z.string().optional(),
        objectId: z.string().optional().describe('The id of a delivery, subscription, key or the like.'),
        keyId: z.string().optional(),
        action: z.string().max(100).optional().describe('A part of the action, such as /cancel or DELETE.'),
        from: time.optional(),
        to: time.optional(),
      }),
      responses: { status: 200, description: 'Entries, newest first', schema: pageOf(entrySchema) },
    },
    async ({ query: { limit, cursor, from, to, ...filter } }) => {
      const rows = await listAudit(store, {
        ...filter,
        from: from === undefined ? undefined : new Date(from),
        to: to === undefined ? undefined : new Date(to),
        before: readCursor('aud', cursor),
        limit: limit + 1,
      });
      return page(rows, limit, (entry) => entry);
    },
  );
}
