/** Links to the customer portal: a platform makes one whenever it shows its customer the portal. */
import { z } from 'zod';
import { page, readCursor } from '../../http/paging.js';
import { canSee } from '../../http/principal.js';
import { invalidField, notFound } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { endPortalLinks, listPortalLinks } from '../../store/accounts/portal-links.js';
import { portalCapabilities } from '../../store/accounts/sessions.js';
import { mustFindAccount } from '../accounts/accounts.js';
import type { ApiContext } from '../context.js';
import { pageOf, paging, time } from '../schemas.js';
import { keyOfLink, makePortalLink, themes } from './make-link.js';

const tag = 'Portal';
const path = '/v1/accounts/{id}/portal-links';
const params = z.object({ id: z.string() });

/** Seconds until a link ends, unless it is chosen. */
const DEFAULT_SECONDS = 3_600;

const capabilities = z
  .array(z.enum(portalCapabilities))
  .describe(
    'manage_subscriptions: create, edit, delete, test and pause; show_secrets: reveal and rotate; view_secrets: only ' +
      'reveal; send_again: retry, redeliver, recover, cancel and send examples.',
  );

const newLink = z.strictObject({
  access: z.enum(['full', 'read']).default('full').describe('With read there are no capabilities.'),
  capabilities: capabilities.optional().describe('What it may do besides reading; everything when absent.'),
  expiresInS: z.int().min(60).max(604_800).default(DEFAULT_SECONDS).describe('Seconds until it ends.'),
  theme: z.enum(themes).optional().describe('How the page looks; as the browser prefers when absent.'),
});

/** What a link allows unless that is chosen; `show_secrets` includes `view_secrets`. */
const everything = portalCapabilities.filter((capability) => capability !== 'view_secrets');

const linkSchema = z.object({ id: z.string(), capabilities, createdAt: time, expiresAt: time }).openapi('PortalLink');

export function portalLinkRoutes(routing: Routing, context: ApiContext): void {
  createRoute(routing, context);
  listRoute(routing, context);
  revokeRoutes(routing, context);
}

function createRoute(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'post',
      path,
      tag,
      scope: 'admin',
      summary: 'Make a link to the customer portal',
      description:
        'It shows the data of this account to anyone who has it. It also ends when the key of this request is revoked or expires. ' +
        'An account may have 10,000 valid links.',
      forAccounts: true,
      params,
      body: newLink,
      bodyOptional: true,
      responses: {
        status: 201,
        description: 'The link',
        schema: z.object({
          id: z.string(),
          url: z.string().describe('For the customer’s browser or a frame; the token is in its fragment.'),
          token: z.string().describe('For requests: Authorization: Bearer <token>. Shown only once.'),
          capabilities,
          expiresAt: time,
        }),
      },
      problems: [409],
    },
    async ({ params, body: { access, expiresInS, theme, ...body }, principal, request, response }) => {
      if (access === 'read' && body.capabilities && body.capabilities.length > 0)
        throw invalidField('capabilities', 'are for access full; remove them or the access');
      const account = await mustFindAccount(context, principal, params.id);
      const chosen = access === 'read' ? [] : [...new Set(body.capabilities ?? everything)];
      response.set('Cache-Control', 'no-store');
      return makePortalLink(context, request, {
        accountId: account.id,
        madeWith: keyOfLink(principal, context),
        capabilities: chosen,
        seconds: expiresInS,
        theme,
      });
    },
  );
}

function listRoute(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path,
      tag,
      scope: 'admin',
      summary: 'List the valid links to the customer portal',
      forAccounts: true,
      params,
      query: paging,
      responses: { status: 200, description: 'Links, newest first', schema: pageOf(linkSchema) },
    },
    async ({ params, query: { limit, cursor }, principal }) => {
      const { id: accountId } = await mustFindAccount(context, principal, params.id);
      const rows = await listPortalLinks(context.store, {
        accountId,
        before: readCursor('ses', cursor),
        limit: limit + 1,
      });
      return page(rows, limit, (row) => row);
    },
  );
}

function revokeRoutes(routing: Routing, context: ApiContext): void {
  const { store } = context;

  addRoute(
    routing,
    {
      method: 'delete',
      path: `${path}/{linkId}`,
      tag,
      scope: 'admin',
      summary: 'Revoke a link to the customer portal',
      forAccounts: true,
      params: params.extend({ linkId: z.string() }),
      responses: { status: 204, description: 'Revoked', schema: null },
    },
    async ({ params: { id, linkId }, principal }) => {
      if (!canSee(principal, id) || (await endPortalLinks(store, id, { id: linkId })) === 0)
        throw notFound('portal link');
    },
  );

  addRoute(
    routing,
    {
      method: 'delete',
      path,
      tag,
      scope: 'admin',
      summary: 'Revoke all links to the customer portal',
      forAccounts: true,
      params,
      responses: { status: 204, description: 'Revoked, or there was none', schema: null },
    },
    async ({ params, principal }) => {
      const { id } = await mustFindAccount(context, principal, params.id);
      await endPortalLinks(store, id);
    },
  );
}
