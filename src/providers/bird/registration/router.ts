/**
 * Bird's own API for webhook subscriptions.
 * https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions
 */
import { Router, type RequestHandler } from 'express';
import { page } from '../../../http/paging.js';
import { notFound, Problem } from '../../../http/problem.js';
import type { StoredAccount } from '../../../store/accounts/accounts.js';
import type { StoredSubscription } from '../../../store/subscriptions/subscriptions.js';
import type { Admission, Registrar, RegistrationRoutes } from '../../registration.js';
import type { Options, Scope, Secrets, Settings } from '../contract.js';
import { sendErrors } from './errors.js';
import { readCreation, readListQuery, readUpdate } from './input.js';
import { describeLog, listLog } from './logs.js';

/** Newer versions of the documentation omit the organization from the path. */
const PREFIXES = [
  '/workspaces/:workspaceId/webhook-subscriptions',
  '/organizations/:organizationId/workspaces/:workspaceId/webhook-subscriptions',
];

/** The format of ids; other values cannot match and are not looked up. */
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const MAX_COMBINATIONS = 5;

type Locals = { account: StoredAccount; subscription: StoredSubscription };
type Params = { organizationId?: string; workspaceId: string; id: string };
type Handler = RequestHandler<Params, unknown, unknown, unknown, Locals>;

export const routes: RegistrationRoutes = (registrar) => {
  const create: Handler = async ({ body }, response) => {
    const { account } = response.locals;
    response.status(201).json(toResponse(await registrar.create(account, readCreation(body), maxFive), account));
  };

  const list: Handler = async ({ query }, response) => {
    const { account } = response.locals;
    const { limit, after = '', service } = readListQuery(query);
    const rows = (await registrar.list(account)).filter(
      ({ id, options }) => id > after && (service === undefined || (options as Options).service === service),
    );
    const { data, nextCursor } = page(rows, limit, (row) => toResponse(row, account));
    response.json({ results: data, ...(nextCursor === null ? {} : { nextPageToken: nextCursor }) });
  };

  const get: Handler = (_request, response) => {
    const { account, subscription } = response.locals;
    response.json(toResponse(subscription, account));
  };

  const update: Handler = async ({ body }, response) => {
    const { account, subscription } = response.locals;
    const changes = readUpdate(body);
    const admit = 'eventFilters' in changes ? maxFive : undefined;
    response.json(toResponse(await registrar.edit(account, subscription, changes, admit ? { admit } : {}), account));
  };

  const remove: Handler = async (_request, response) => {
    await registrar.remove(response.locals.subscription);
    response.status(204).end();
  };

  const logs: Handler = async ({ query }, response) => {
    response.json(await listLog(registrar, response.locals.subscription, query));
  };

  const logDetails: Handler = async ({ query }, response) => {
    response.json(await describeLog(registrar, response.locals.subscription, query));
  };

  const { readJson } = registrar;
  const withSubscription = findSubscription(registrar);
  const subscriptions = Router({ mergeParams: true });
  subscriptions.use(authenticate(registrar));
  subscriptions
    .route('/')
    .post(...readJson, create)
    .get(list)
    .all(allowOnly('GET, POST'));
  subscriptions.use('/:id', withSubscription);
  subscriptions
    .route('/:id')
    .get(get)
    .patch(...readJson, update)
    .delete(remove)
    .all(allowOnly('GET, PATCH, DELETE'));
  subscriptions.route('/:id/logs').get(logs).all(allowOnly('GET'));
  subscriptions.route('/:id/logs/details').get(logDetails).all(allowOnly('GET'));
  subscriptions.use(() => {
    throw notFound('path');
  });

  const router = Router();
  router.use(PREFIXES, subscriptions);
  router.use(sendErrors(registrar));
  return router;
};

/** Authenticates the account; the path must name its organization and workspace, otherwise the result is 404. */
function authenticate(registrar: Registrar): Handler {
  return async (request, response, next) => {
    const [, key] = /^AccessKey +(\S+) *$/i.exec(request.get('authorization') ?? '') ?? [];
    const account = await registrar.authenticate('bird', key, request);
    if (!account) {
      response.set('WWW-Authenticate', 'AccessKey');
      throw new Problem('unauthorized', 'send a valid access key as Authorization: AccessKey <key>');
    }
    const scope = account.scope as Scope;
    const { organizationId = scope.organizationId, workspaceId } = request.params;
    if (!isSame(organizationId, scope.organizationId) || !isSame(workspaceId, scope.workspaceId))
      throw notFound('workspace');
    response.locals.account = account;
    next();
  };
}

function findSubscription(registrar: Registrar): Handler {
  return async ({ params: { id } }, response, next) => {
    const found = ID.test(id) ? await registrar.find(response.locals.account, id.toLowerCase()) : undefined;
    if (!found) throw notFound('webhook subscription');
    response.locals.subscription = found;
    next();
  };
}

function allowOnly(methods: string): RequestHandler {
  return ({ method }, response) => {
    response.set('Allow', methods);
    throw new Problem('method_not_allowed', `${method} is not among ${methods}`);
  };
}

/** UUIDs are case insensitive. */
function isSame(input: string, own: string): boolean {
  return input.toLowerCase() === own.toLowerCase();
}

/** A subscription for a response. Unset fields are omitted, like the optional fields in the documentation. */
function toResponse(subscription: StoredSubscription, account: StoredAccount) {
  const { organizationId, workspaceId } = account.scope as Scope;
  const { service, eventFilters, template } = subscription.options as Options;
  const { signingKey } = subscription.secrets as Secrets;
  const { showSigningKey } = account.settings as Settings;
  return {
    id: subscription.reference,
    organizationId,
    workspaceId,
    service,
    event: subscription.eventTypes[0],
    ...(eventFilters.length === 0 ? {} : { eventFilters }),
    ...(template === null ? {} : { template }),
    url: subscription.url,
    ...(signingKey === null || !showSigningKey ? {} : { signingKey }),
    status: subscription.enabled ? 'active' : 'inactive',
    createdAt: subscription.createdAt,
    updatedAt: subscription.updatedAt,
  };
}

/**
 * Rejects a subscription to events that five others, inactive ones included, already receive: "You can create up to
 * five subscriptions for the same filter combination",
 * https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions
 */
const maxFive: Admission = (subscription, others) => {
  const combination = combinationOf(subscription);
  if (others.filter((other) => combinationOf(other) === combination).length < MAX_COMBINATIONS) return;
  const message = `there are ${MAX_COMBINATIONS} subscriptions for the same filter combination already`;
  throw new Problem('invalid_request', message, [{ path: 'eventFilters', message }]);
};

/** A key that is equal for subscriptions to the same events, independent of the order of their filters. */
function combinationOf({ eventTypes, options }: StoredSubscription): string {
  const { service, eventFilters } = options as Options;
  const filters = eventFilters.map(({ key, value }) => JSON.stringify([key, value])).sort();
  return JSON.stringify([service, eventTypes, filters]);
}
