/** The Express application: every route, in the order they are tried. */
import { OpenAPIRegistry } from '@asteasolutions/zod-to-openapi';
import express, { Router, type Express } from 'express';
import { Intake } from '../dispatch/intake.js';
import type { EgressClient } from '../egress/types.js';
import { plainDirectory, type Directory } from '../store/directory.js';
import { watchWrites } from '../store/write-health.js';
import { registrationApis } from '../providers/index.js';
import { accountRoutes } from './accounts.js';
import { bulkRoutes } from './bulk.js';
import type { ApiContext } from './context.js';
import { contractRoutes } from './contracts.js';
import { dashboardRoutes } from './dashboard.js';
import { deliveryRoutes } from './deliveries.js';
import { deliveryDetailRoutes } from './delivery-detail.js';
import { deliveryStreamRoutes } from './delivery-stream.js';
import { answerErrors, unknownRoute } from './errors.js';
import { eventRoutes } from './events.js';
import { apiReadiness, probeRoutes, systemHealthRoutes } from './health.js';
import { jsonBody } from './json-body.js';
import { meRoutes } from './me.js';
import { metricsRoutes } from './metrics.js';
import { openApiDocument } from './openapi.js';
import { overviewRoutes } from './overview.js';
import { requireKey } from './principal.js';
import { recoveryRoutes } from './recoveries.js';
import { createRegistrar } from './registrar.js';
import { logRequests, tellRequestId } from './request-log.js';
import { subscriptionRoutes } from './subscriptions.js';
import { waitingRoutes } from './waiting.js';

/** What the application is made of. */
export interface AppParts extends Omit<ApiContext, 'intake' | 'directory' | 'writes'> {
  readonly egress: EgressClient;
  /** One that keeps nothing unless another is given. */
  readonly directory?: Directory;
}

export function createApp(parts: AppParts): Express {
  const { store, dispatcher, directory = plainDirectory(store) } = parts;
  const writes = watchWrites(store);
  const context = { ...parts, directory, writes, intake: new Intake(store, dispatcher) };
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');

  const registrar = createRegistrar(context);
  const registry = new OpenAPIRegistry();
  const own = Router();
  const routing = { router: own, registry };
  // First, as it is asked for most.
  eventRoutes(routing, context);
  meRoutes(routing);
  accountRoutes(routing, context);
  subscriptionRoutes(routing, context, registrar);
  waitingRoutes(routing, context);
  deliveryRoutes(routing, context);
  bulkRoutes(routing, context);
  // Before the route that would take its name for an id.
  deliveryStreamRoutes(routing, context);
  deliveryDetailRoutes(routing, context);
  recoveryRoutes(routing, context);
  overviewRoutes(routing, context);
  systemHealthRoutes(routing, context);
  contractRoutes(routing);
  const document = openApiDocument(registry);

  app.use(logRequests(context.log));
  probeRoutes(app, () => apiReadiness(context));
  metricsRoutes(app, context);
  app.get('/openapi.json', (_request, response) => void response.json(document));
  // Before our own: some of the providers' paths begin with /v1 too.
  for (const routes of registrationApis) app.use(routes(registrar));
  app.use(tellRequestId);
  app.use('/v1', requireKey(context), ...jsonBody(context.maxBodyBytes));
  app.use(own);
  app.use('/v1', unknownRoute);
  app.use(dashboardRoutes(context.dashboardFolder));
  app.use(unknownRoute);
  app.use(answerErrors(context.log, writes));
  return app;
}
