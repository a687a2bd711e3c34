/** What the customer portal consists of for a browser: its page, the script that embeds it, and how it looks. */
import type { OpenAPIRegistry } from '@asteasolutions/zod-to-openapi';
import { Router, type RequestHandler } from 'express';
import { z } from 'zod';
import { pageHeaders } from '../../http/page-headers.js';
import type { ApiContext } from '../context.js';
import { unlessBuilt } from '../dashboard.js';

/** How long browsers may keep what changes with the settings or with a release, in seconds. */
const MAX_AGE_S = 300;

const brandingSchema = z
  .object({
    name: z.string(),
    logoUrl: z.string().nullable(),
    colors: z.object({ light: z.string().optional(), dark: z.string().optional() }).describe('As #rrggbb, by theme.'),
    words: z
      .record(z.string(), z.string())
      .describe('Replacements by the word: endpoint, endpoints, event, events, delivery or deliveries.'),
    supportUrl: z.string().optional().describe('Where customers find help.'),
  })
  .openapi('PortalBranding');

type PortalParts = Pick<ApiContext, 'portal' | 'dashboardFolder'>;

/** `GET /v1/portal`, which needs no key. */
export function brandingRoute(registry: OpenAPIRegistry, { portal }: PortalParts): Router {
  registry.registerPath({
    method: 'get',
    path: '/v1/portal',
    tags: ['Portal'],
    summary: 'Get how the customer portal looks',
    description: 'Needs no key.',
    security: [],
    responses: {
      200: { description: 'From the settings', content: { 'application/json': { schema: brandingSchema } } },
    },
  });
  const { name, logoUrl = null, colors, words, supportUrl } = portal;
  const branding = { name, logoUrl, colors, words, ...(supportUrl === undefined ? {} : { supportUrl }) };
  return Router().get('/v1/portal', (_request, response) => {
    response.set('Cache-Control', `public, max-age=${MAX_AGE_S}`).json(branding);
  });
}

/** `/portal` and `/portal.js`, files of the dashboard's build. */
export function portalPageRoutes({ portal, dashboardFolder }: PortalParts): Router {
  const router = Router();
  const { logoUrl, frameAncestors } = portal;
  const images = ["img-src 'self'", ...(logoUrl === undefined ? [] : [new URL(logoUrl).origin])].join(' ');
  // Without headers that would forbid other sites to frame it: Content-Security-Policy says which may.
  const page = pageHeaders(
    ["script-src 'self'", "style-src 'self'", images, "font-src 'self'", "connect-src 'self'"],
    frameAncestors,
  );
  const script = {
    'Content-Type': 'text/javascript; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Resource-Policy': 'cross-origin',
    'Cache-Control': `public, max-age=${MAX_AGE_S}`,
  };
  const send =
    (file: string, headers: Record<string, string>): RequestHandler =>
    (_request, response, next) => {
      response.set(headers);
      response.sendFile(file, { root: dashboardFolder, cacheControl: false }, unlessBuilt(response, next));
    };
  router.get('/portal', send('portal.html', page));
  router.get('/portal.js', send('portal.js', script));
  return router;
}
