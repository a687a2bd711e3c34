/** The Express application: every route, in the order they are tried. */
import { OpenAPIRegistry } from '@asteasolutions/zod-to-openapi';
import express, { Router, type Express } from 'express';
import { Intake } from '../dispatch/intake.js';
import type { EgressClient } from '../egress/types.js';
import { plainDirectory, type Directory } from '../store/directory.js';
import { registrationApis } from '../providers/index.js';
import { accountRoutes } from './accounts.js';
import { requireAdminKey } from './admin-key.js';
import type { ApiContext } from './context.js';
import { deliveryRoutes } from './deliveries.js';
import { answerErrors, unknownRoute } from './errors.js';
import { eventRoutes } from './events.js';
import { healthRoutes } from './health.js';
import { jsonBody } from './json-body.js';
import { metricsRoutes } from './metrics.js';
import { openApiDocument } from './openapi.js';
import { recoveryRoutes } from './recoveries.js';
import { createRegistrar } from './registrar.js';
import { logRequests, tellRequestId } from './request-log.js';
import { subscriptionRoutes } from './subscriptions.js';
import { waitingRoutes } from './waiting.js';

/** What the application is made of. */
export interface AppParts extends Omit<ApiContext, 'intake' | 'directory'> {
  readonly egress: EgressClient;
  /** One that keeps nothing unless another is given. */
  readonly directory?: Directory;
}

export function createApp(parts: AppParts): Express {
  const { store, dispatcher, directory = plainDirectory(store) } = parts;
  const context = { ...parts, directory, intake: new Intake(store, dispatcher) };
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');

  const registrar = createRegistrar(context);
  const registry = new OpenAPIRegistry();
  const admin = Router();
  const routing = { router: admin, registry };
  accountRoutes(routing, context);
  subscriptionRoutes(routing, context, registrar);
  waitingRoutes(routing, context);
  eventRoutes(routing, context);
  deliveryRoutes(routing, context);
  recoveryRoutes(routing, context);
  const document = openApiDocument(registry);

  app.use(logRequests(context.log));
  healthRoutes(app, context);
  metricsRoutes(app, context);
  app.get('/openapi.json', (_request, response) => void response.json(document));
  // Before our own: some of the providers' paths begin with /v1 too.
  for (const routes of registrationApis) app.use(routes(registrar));
  app.use(tellRequestId);
  app.use('/v1', requireAdminKey(context.adminKey), ...jsonBody(context.maxBodyBytes));
  app.use(admin);
  app.use(unknownRoute);
  app.use(answerErrors(context.log));
  return app;
}
