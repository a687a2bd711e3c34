/**
 * Svix's API, as used by the `svix` client packages: Postack's webhooks are Svix's, and Postack has no API of its own for
 * them. To Svix, the account of a key is an environment. Source: https://github.com/svix/svix-webhooks,
 * server/svix-server/src/v1, and codegen/lib-openapi.json for what only the hosted service has.
 */
import { Router, type RequestHandler } from 'express';
import { Problem } from '../../../http/problem.js';
import { findApplication } from '../../../store/accounts/applications.js';
import type { Registrar, RegistrationRoutes } from '../../registration.js';
import { contract } from '../contract.js';
import { appIdOf, applicationRoutes } from './applications.js';
import { attemptRoutes } from './attempts.js';
import { authenticationRoutes, logoutRoute } from './authentication.js';
import { applicationEndpointRoutes, endpointRoutes } from './endpoints.js';
import { notFound, sendErrors } from './errors.js';
import { eventTypeRoutes } from './event-types.js';
import { createOnce } from './idempotency.js';
import { messageRoutes } from './messages.js';
import { operationalRoutes } from './operational.js';
import { pollerRoutes } from './poller.js';
import { recoveryRoutes } from './recovery.js';
import { bearerOf, environmentOf } from './request.js';
import { statisticsRoutes } from './statistics.js';
import { taskRoutes } from './tasks.js';

/** What the paths of Svix's API begin with; those without a route below are answered as not found. */
const AREAS = [
  ...['app', 'auth', 'background-task', 'connector', 'environment', 'event-type', 'msg', 'operational-webhook'],
  ...['stats', 'stream'],
]
  .map((area) => `/api/v1/${area}`)
  .concat('/ingest/api/v1');
const ENDPOINTS = '/api/v1/app/:app_id/endpoint';

export const routes: RegistrationRoutes = (registrar) => {
  const api = { registrar, once: createOnce(registrar) };
  const router = Router();
  router.get('/api/v1/health', (_request, response) => {
    response.status(204).end();
  });
  logoutRoute(router, registrar);
  router.use(AREAS, requireAccount(registrar), ...registrar.readJson);
  router.param('app_id', async (request, response, next, appId: string) => {
    const environment = environmentOf(response);
    const isOwn = appId === appIdOf(environment) || appId === environment.id;
    const found = isOwn ? environment : await findApplication(registrar.store, environment.id, appId);
    // Replacing an application, and sending a message with a description of one, can create it.
    if (!found && !(request.method === 'PUT' || request.method === 'POST')) throw notFound();
    response.locals.application = found;
    next();
  });

  authenticationRoutes(router, api);
  applicationRoutes(router, api);
  endpointRoutes(router, api, ENDPOINTS);
  applicationEndpointRoutes(router, api, ENDPOINTS);
  recoveryRoutes(router, api, ENDPOINTS);
  messageRoutes(router, api);
  attemptRoutes(router, api);
  pollerRoutes(router, api);
  taskRoutes(router, api);
  eventTypeRoutes(router, api);
  statisticsRoutes(router, api);
  operationalRoutes(router, api);

  router.use(AREAS, () => {
    throw notFound();
  });
  router.use(AREAS, sendErrors(registrar));
  return router;
};

/** Authenticates a request by the key of an account. */
function requireAccount(registrar: Registrar): RequestHandler {
  return async (request, response, next) => {
    const isEmission = request.method === 'POST' && /\/msg\/?$/.test(request.path);
    const account = await registrar.authenticate(contract.provider, bearerOf(request), request, isEmission);
    if (!account) {
      response.set('WWW-Authenticate', 'Bearer');
      throw new Problem('unauthorized', 'Invalid token');
    }
    response.locals.environment = account;
    next();
  };
}
