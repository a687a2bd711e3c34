/**
 * Svix's API for endpoints, as used by the `svix` client packages: Postack's webhooks are Svix's, and Postack has no
 * API of its own for them. Source: https://github.com/svix/svix-webhooks, server/svix-server/src/v1/endpoints/endpoint.
 */
import { Router, type RequestHandler, type Response } from 'express';
import type { AnyContract } from '../../../contract/types.js';
import { Problem } from '../../../http/problem.js';
import type { StoredAccount } from '../../../store/accounts/accounts.js';
import type { StoredSubscription } from '../../../store/subscriptions/subscriptions.js';
import type { Registrar, RegistrationRoutes } from '../../registration.js';
import { contract, type Scope } from '../contract.js';
import { messageId } from '../../../contract/message.js';
import { findEvent } from '../events.js';
import type { Options } from '../fields.js';
import { notFound, sendErrors, validationError } from './errors.js';
import { createOnce, idempotencyKeyOf, type HandlerResult } from './idempotency.js';
import {
  newEndpoint,
  patchedEndpoint,
  patchedHeaders,
  readObject,
  replacedEndpoint,
  replacedHeaders,
} from './input.js';
import { isHidden, listEndpoints, toEndpointOut, toHeadersOut } from './output.js';
import { readsRotatedSecret, rotatedSecrets } from './rotation.js';

const ROOT = '/api/v1/app';
const ENDPOINTS = `${ROOT}/:app_id/endpoint`;
const ENDPOINT = `${ENDPOINTS}/:id`;

/** An event type of every Svix account, and its payload. */
const PING = 'svix.ping';
const PING_DATA = { success: true };

type Once = ReturnType<typeof createOnce>;

export const routes: RegistrationRoutes = (registrar) => {
  const once = createOnce(registrar);
  const router = Router();
  router.use(ROOT, requireAccount(registrar), ...registrar.readJson);
  router.param('app_id', (_request, response, next, appId) => {
    const { id, scope } = accountOf(response);
    if (appId !== (scope as Scope).appId && appId !== id) throw notFound();
    next();
  });

  endpointRoutes(router, registrar, once);
  secretRoutes(router, registrar);
  headerRoutes(router, registrar);
  exampleRoute(router, registrar, once);

  router.use(ROOT, () => {
    throw notFound();
  });
  router.use(ROOT, sendErrors(registrar));
  return router;
};

function endpointRoutes(router: Router, registrar: Registrar, once: Once): void {
  router.post(ENDPOINTS, async (request, response) => {
    const account = accountOf(response);
    const create = async (): Promise<HandlerResult> => {
      const created = await registrar.create(account, newEndpoint(readObject(request.body)));
      return { status: 201, body: toEndpointOut(created) };
    };
    send(response, await once(request, account, create));
  });

  router.get(ENDPOINTS, async (request, response) => {
    response.json(await listEndpoints(registrar, accountOf(response), request.query));
  });

  router.get(ENDPOINT, async (request, response) => {
    response.json(toEndpointOut(await mustFind(registrar, accountOf(response), request.params.id)));
  });

  router.put(ENDPOINT, async (request, response) => {
    const account = accountOf(response);
    const endpoint = await find(registrar, account, request.params.id);
    const input = readObject(request.body);
    // As in svix-server: an unknown id creates a new endpoint with a generated id.
    const saved = endpoint
      ? await registrar.edit(account, endpoint, replacedEndpoint(input), { isHidden })
      : await registrar.create(account, newEndpoint({ ...input, headers: undefined, secret: undefined }));
    response.status(endpoint ? 200 : 201).json(toEndpointOut(saved));
  });

  router.patch(ENDPOINT, async (request, response) => {
    const account = accountOf(response);
    const endpoint = await mustFind(registrar, account, request.params.id);
    const changes = patchedEndpoint(readObject(request.body));
    response.json(toEndpointOut(await registrar.edit(account, endpoint, changes, { isHidden })));
  });

  router.delete(ENDPOINT, async (request, response) => {
    await registrar.remove(await mustFind(registrar, accountOf(response), request.params.id));
    response.status(204).end();
  });
}

function secretRoutes(router: Router, registrar: Registrar): void {
  router.get(`${ENDPOINT}/secret`, async (request, response) => {
    const account = accountOf(response);
    const endpoint = await mustFind(registrar, account, request.params.id);
    response.json({ key: secretOf(endpoint, account) });
  });

  router.post(`${ENDPOINT}/secret/rotate`, async (request, response) => {
    const account = accountOf(response);
    const endpoint = await mustFind(registrar, account, request.params.id);
    const secretsAfter = (current: StoredSubscription) => rotatedSecrets(current, request.body);
    const rotated = await registrar.rotate(endpoint, secretsAfter, idempotencyKeyOf(request));
    if (readsRotatedSecret(request.get('user-agent'))) response.json({ key: secretOf(rotated, account) });
    else response.status(204).end();
  });
}

function headerRoutes(router: Router, registrar: Registrar): void {
  router.get(`${ENDPOINT}/headers`, async (request, response) => {
    response.json(toHeadersOut((await mustFind(registrar, accountOf(response), request.params.id)).headers));
  });

  router.put(`${ENDPOINT}/headers`, async (request, response) => {
    const account = accountOf(response);
    const endpoint = await mustFind(registrar, account, request.params.id);
    await registrar.edit(account, endpoint, { headers: replacedHeaders(request.body) });
    response.status(204).end();
  });

  router.patch(`${ENDPOINT}/headers`, async (request, response) => {
    const account = accountOf(response);
    const endpoint = await mustFind(registrar, account, request.params.id);
    await registrar.edit(account, endpoint, (current) => ({
      headers: patchedHeaders(current.headers, request.body),
    }));
    response.status(204).end();
  });
}

function exampleRoute(router: Router, registrar: Registrar, once: Once): void {
  router.post(`${ENDPOINT}/send-example`, async (request, response) => {
    const account = accountOf(response);
    const sendOnce = async (): Promise<HandlerResult> => {
      const endpoint = await mustFind(registrar, account, request.params.id);
      return { status: 202, body: await sendExample(registrar, account, endpoint, request.body) };
    };
    send(response, await once(request, account, sendOnce));
  });
}

/** Authenticates a request by the key of an account. */
function requireAccount(registrar: Registrar): RequestHandler {
  return async (request, response, next) => {
    const [, key] = /^Bearer +(\S+) *$/i.exec(request.get('authorization') ?? '') ?? [];
    const account = await registrar.authenticate(contract.provider, key, request);
    if (!account) {
      response.set('WWW-Authenticate', 'Bearer');
      throw new Problem('unauthorized', 'Invalid token');
    }
    response.locals.account = account;
    next();
  };
}

function accountOf(response: Response): StoredAccount {
  return response.locals.account as StoredAccount;
}

function secretOf(endpoint: StoredSubscription, account: StoredAccount): string | undefined {
  return (contract as AnyContract).subscriptions.signingSecret?.(endpoint, account);
}

/** An endpoint of the account by its id or its uid. */
async function find(registrar: Registrar, account: StoredAccount, id: string): Promise<StoredSubscription | undefined> {
  if (/^ep_[a-zA-Z0-9]{1,64}$/.test(id)) return registrar.find(account, id);
  return (await registrar.list(account)).find(({ options }) => (options as Options).uid === id);
}

async function mustFind(registrar: Registrar, account: StoredAccount, id: string): Promise<StoredSubscription> {
  const endpoint = await find(registrar, account, id);
  if (!endpoint) throw notFound();
  return endpoint;
}

function send(response: Response, { status, body }: HandlerResult): void {
  response.status(status);
  if (body === undefined) response.end();
  else response.json(body);
}

/**
 * Sends an event type's example to one endpoint and returns Svix's message. Source: svix-server,
 * src/v1/endpoints/endpoint/mod.rs; the status is from codegen/lib-openapi.json.
 */
async function sendExample(registrar: Registrar, account: StoredAccount, endpoint: StoredSubscription, body: unknown) {
  const { eventType } = readObject(body);
  const definition = typeof eventType === 'string' ? findEvent(eventType) : undefined;
  if (!definition) throw validationError(['body', 'eventType'], 'must be 1 to 256 letters, digits, -, _ and .');
  const { type } = definition;
  const data = type === PING ? PING_DATA : definition.example;
  const { eventId, occurredAt } = await registrar.sendTest(account, endpoint, type, data);
  const event = { id: eventId, type, occurredAt, text: JSON.stringify(data), data, channels: [] };
  const payload = (contract as AnyContract).renderBody({ event, account, subscription: endpoint });
  return {
    eventId: null,
    eventType: type,
    payload: JSON.parse(payload) as unknown,
    channels: null,
    id: messageId(eventId),
    timestamp: occurredAt,
  };
}
