/**
 * Operational webhook endpoints of the account: endpoints of a hidden account below it, which gets the operational events
 * of the account and its applications. Source: codegen/lib-openapi.json, OperationalWebhookEndpointOut.
 */
import type { RequestHandler, Router } from 'express';
import { findReporting, isReportingTaken } from '../../../store/accounts/applications.js';
import type { StoredAccount } from '../../../store/accounts/accounts.js';
import { endpointRoutes } from './endpoints.js';
import { environmentOf, type Api } from './request.js';

const PATH = '/api/v1/operational-webhook/endpoint';

export function operationalRoutes(router: Router, api: Api): void {
  router.use(PATH, useReporting(api));
  endpointRoutes(router, api, PATH);
}

/** Sets the hidden account as the application of the request; only a POST or PUT creates it. */
function useReporting(api: Api): RequestHandler {
  return async (request, response, next) => {
    const environment = environmentOf(response);
    const { store } = api.registrar;
    response.locals.application =
      (await findReporting(store, environment.id)) ??
      (['POST', 'PUT'].includes(request.method) ? await create(api, environment) : empty(environment));
    next();
  };
}

async function create(api: Api, environment: StoredAccount): Promise<StoredAccount> {
  try {
    return await api.registrar.createApplication(environment, {
      name: `Operational webhooks of ${environment.name}`,
      reportsParent: true,
    });
  } catch (error) {
    const concurrent = isReportingTaken(error) ? await findReporting(api.registrar.store, environment.id) : undefined;
    if (concurrent) return concurrent;
    throw error;
  }
}

/** Stands for the hidden account while there is none: it has no endpoints. */
const empty = (environment: StoredAccount): StoredAccount => ({ ...environment, id: '' });
