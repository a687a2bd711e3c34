/** The Express application: all routes, in matching order. */
import { OpenAPIRegistry } from '@asteasolutions/zod-to-openapi';
import express, { Router, type Express } from 'express';
import { EventWriter } from '../dispatch/event-writer.js';
import type { EgressClient } from '../egress/types.js';
import { createSubscriptionCache } from '../store/subscriptions/subscription-cache.js';
import { watchWrites } from '../store/write-health.js';
import { registrationApis, registrationReferences } from '../providers/registry.js';
import { accountRoutes } from './accounts/accounts.js';
import { accountsByIdRoutes } from './accounts/by-id.js';
import { sessionRoutes } from './accounts/sessions.js';
import { oidcRoutes } from './accounts/oidc.js';
import { AccountIds } from './accounts/external-ids.js';
import { keyRoutes, meRoutes, operatorKeyRoutes } from './accounts/keys.js';
import { alertRoutes } from './alerts/routes.js';
import { auditRoutes } from './audit.js';
import { broadcastRoutes } from './broadcasts/routes.js';
import { bulkRoutes, waitingRoutes } from './deliveries/bulk.js';
import type { ApiContext } from './context.js';
import { contractRoutes } from './contracts.js';
import { dashboardRoutes } from './dashboard.js';
import { deliveryRoutes } from './deliveries/deliveries.js';
import { deliveryDetailRoutes } from './deliveries/detail.js';
import { orderingRoutes } from './deliveries/ordering.js';
import { deliveryStreamRoutes } from './deliveries/stream.js';
import { sendErrors, unknownRoute } from '../http/errors.js';
import { erasureRoutes } from './erasures.js';
import { eventListRoutes } from './events/event-list.js';
import { importRoutes } from './event-types/import.js';
import { publicCatalogueRoutes } from './event-types/public-catalogue.js';
import { eventTypeRoutes } from './event-types/routes.js';
import { eventRoutes } from './events/events.js';
import { apiReadiness, probeRoutes, systemHealthRoutes } from './health.js';
import { jobRoutes } from './jobs.js';
import { metricsRoutes } from './metrics.js';
import { openApiDocument } from '../http/openapi.js';
import { breakerRoutes } from './breakers.js';
import { pauseRoutes } from './pauses.js';
import { policyRoutes } from './policies.js';
import { deliveryUpdateRoutes } from './deliveries/updates.js';
import { attentionRoutes } from './overview/attention.js';
import { overviewRoutes } from './overview/overview.js';
import { Audit } from '../http/audit.js';
import type { Oidc } from '../http/oidc.js';
import { KeyUse } from '../http/key-use.js';
import { requireKey } from '../http/principal.js';
import { portalLinkRoutes } from './portal/links.js';
import { brandingRoute, portalPageRoutes } from './portal/pages.js';
import { payloadTestRoutes } from './subscriptions/payload-fields.js';
import { publicKeyRoutes } from './subscriptions/public-keys.js';
import { recoveryRoutes } from './subscriptions/recoveries.js';
import { searchRoutes } from './search/search.js';
import { SearchTurns } from './search/turns.js';
import { reconciliationRoutes } from './reconciliations.js';
import { referenceRoutes } from './reference.js';
import { createRegistrar } from './subscriptions/registrar.js';
import { logRequests, sendRequestId } from '../http/request-log.js';
import type { Routing } from '../http/route.js';
import { SignInFailures } from '../http/sign-in-failures.js';
import type { SignInLimits } from '../http/sign-in-limits.js';
import { createSignIn } from '../http/sign-in.js';
import { subscriptionListRoutes } from './subscriptions/list.js';
import { subscriptionRoutes } from './subscriptions/subscriptions.js';
import { limitUnreadResponses } from '../http/unread-responses.js';

/** Dependencies of the application. */
export interface AppParts extends Omit<
  ApiContext,
  'eventWriter' | 'signIn' | 'writes' | 'accountIds' | 'searchTurns' | 'audit'
> {
  readonly egress: EgressClient;
  /** Sign-in with OpenID Connect; absent without a provider. */
  readonly oidc?: Oidc;
  /** Maximum size of the events of one request with their bodies, in bytes. */
  readonly maxCommitBytes: number;
  /** Networks of proxies whose X-Forwarded-For is trusted; none when absent. */
  readonly trustProxy?: readonly string[];
  /** Limits of failed sign-ins; the default limits when absent. */
  readonly signInLimits?: SignInLimits;
}

export function createApp(parts: AppParts): Express {
  const { store, dispatcher, maxCommitBytes } = parts;
  const failures = new SignInFailures(parts.log, parts.signInLimits);
  const use = new KeyUse(store, parts.log);
  const signIn = createSignIn({ store, adminKey: parts.adminKey, oidcClient: parts.oidc?.client, failures, use });
  const writes = watchWrites(store);
  const eventWriter = new EventWriter(store, dispatcher, createSubscriptionCache(store), maxCommitBytes);
  const accountIds = new AccountIds(store);
  const audit = new Audit(store, parts.log);
  const context = { ...parts, signIn, writes, eventWriter, accountIds, searchTurns: new SearchTurns(), audit };
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.set('trust proxy', [...(parts.trustProxy ?? [])]);

  const registrar = createRegistrar(context);
  const registry = new OpenAPIRegistry();
  const own = Router();
  const accountIdOf: Routing['accountIdOf'] = (principal, named) => accountIds.find(principal, named);
  const routing = { router: own, registry, maxBodyBytes: context.maxBodyBytes, accountIdOf, audit };
  const events = Router();
  eventRoutes({ ...routing, router: events }, context);
  own.use(events);
  meRoutes(routing);
  // Before the routes below /v1/accounts/{id}, which would parse `by-id` as an id.
  accountsByIdRoutes(routing, context);
  eventListRoutes(routing, context);
  accountRoutes(routing, context);
  administrationRoutes(routing, context);
  subscriptionRoutes(routing, context, registrar);
  subscriptionListRoutes(routing, context);
  policyRoutes(routing, context);
  waitingRoutes(routing, context);
  pauseRoutes(routing, context);
  breakerRoutes(routing, context);
  deliveryRoutes(routing, context);
  deliveryUpdateRoutes(routing, context);
  bulkRoutes(routing, context);
  jobRoutes(routing, context);
  // Before the route that would parse `stream` as an id.
  deliveryStreamRoutes(routing, context);
  deliveryDetailRoutes(routing, context);
  orderingRoutes(routing, context);
  recoveryRoutes(routing, context);
  payloadTestRoutes(routing, context);
  erasureRoutes(routing, context);
  searchRoutes(routing, context);
  broadcastRoutes(routing, context);
  overviewRoutes(routing, context);
  attentionRoutes(routing, context);
  systemHealthRoutes(routing, context);
  reconciliationRoutes(routing, context);
  contractRoutes(routing);
  const keys = Router();
  publicKeyRoutes({ router: keys, registry }, context);
  const branding = brandingRoute(registry, context);
  eventTypeRoutes(routing, context);
  importRoutes(routing, context);
  const oidc = oidcRoutes(registry, context);
  const document = openApiDocument(registry);

  app.use(logRequests(context.log));
  app.use(limitUnreadResponses());
  probeRoutes(app, () => apiReadiness(context));
  metricsRoutes(app, context, failures);
  app.use(publicCatalogueRoutes(context));
  app.get('/openapi.json', (_request, response) => void response.json(document));
  // Before all other routers, because it gets the most requests and each router costs time.
  app.post('/v1/accounts/:id/events', sendRequestId, requireKey(context), events);
  // Before our own routes: some providers' paths also begin with /v1.
  for (const routes of registrationApis) app.use(routes(registrar));
  app.use(sendRequestId);
  app.use(branding);
  app.use(oidc);
  app.use('/v1', requireKey(context));
  app.use(own);
  app.use(keys);
  app.use('/v1', unknownRoute);
  app.use(referenceRoutes(document, registrationReferences));
  app.use(portalPageRoutes(context));
  app.use(dashboardRoutes(context.dashboardFolder));
  app.use(unknownRoute);
  app.use(sendErrors(context.log, writes));
  return app;
}

/** Who may do what, who did it, and who is alerted. */
function administrationRoutes(routing: Routing, context: ApiContext & { readonly egress: EgressClient }): void {
  keyRoutes(routing, context);
  operatorKeyRoutes(routing, context);
  sessionRoutes(routing, context);
  portalLinkRoutes(routing, context);
  auditRoutes(routing, context);
  alertRoutes(routing, context);
}
