/**
 * Endpoints of an application, and operational webhook endpoints, which are the endpoints of a hidden one. Source:
 * svix-server, src/v1/endpoints/endpoint.
 */
import type { Router } from 'express';
import type { AnyContract } from '../../../contract/types.js';
import type { StoredAccount } from '../../../store/accounts/accounts.js';
import { countByState } from '../../../store/attempts/attempt-log.js';
import { findAccountEventType } from '../../../store/event-types/account-event-types.js';
import type { StoredSubscription } from '../../../store/subscriptions/subscriptions.js';
import { contract } from '../contract.js';
import { messageId } from '../../../contract/message.js';
import { findEvent } from '../events.js';
import { badQuery, readTime } from './paging.js';
import { svixError, validationError } from './errors.js';
import { idempotencyKeyOf } from './idempotency.js';
import {
  newEndpoint,
  patchedEndpoint,
  patchedHeaders,
  readObject,
  replacedEndpoint,
  replacedHeaders,
} from './input.js';
import { isHidden, listEndpoints, toEndpointOut, toHeadersOut } from './output.js';
import { applicationOf, endpointOf, environmentOf, findEndpoint, respondOnce, type Api } from './request.js';
import { readsRotatedSecret, rotatedSecrets } from './rotation.js';

/** An event type of every Svix account, and its payload. */
const PING = 'svix.ping';
const PING_DATA = { success: true };

/** Routes of the endpoints below a path; the application is set before. */
export function endpointRoutes(router: Router, api: Api, path: string): void {
  const { registrar } = api;
  const item = `${path}/:endpoint_id`;

  router.post(path, (request, response) =>
    respondOnce(api, request, response, async () => {
      const created = await registrar.create(applicationOf(response), newEndpoint(readObject(request.body)));
      return { status: 201, body: toEndpointOut(created) };
    }),
  );

  router.get(path, async (request, response) => {
    response.json(await listEndpoints(registrar, applicationOf(response), request.query));
  });

  router.get(item, async (request, response) => {
    response.json(toEndpointOut(await endpointOf(api, request, response)));
  });

  router.put(item, async (request, response) => {
    const account = applicationOf(response);
    const endpoint = await findEndpoint(api, account, String(request.params.endpoint_id));
    const input = readObject(request.body);
    // As in svix-server: an unknown id creates a new endpoint with a generated id.
    const saved = endpoint
      ? await registrar.edit(account, endpoint, replacedEndpoint(input), { isHidden })
      : await registrar.create(account, newEndpoint({ ...input, headers: undefined, secret: undefined }));
    response.status(endpoint ? 200 : 201).json(toEndpointOut(saved));
  });

  router.patch(item, async (request, response) => {
    const account = applicationOf(response);
    const endpoint = await endpointOf(api, request, response);
    const changes = patchedEndpoint(readObject(request.body));
    response.json(toEndpointOut(await registrar.edit(account, endpoint, changes, { isHidden })));
  });

  router.delete(item, async (request, response) => {
    await registrar.remove(await endpointOf(api, request, response));
    response.status(204).end();
  });

  secretRoutes(router, api, item);
  headerRoutes(router, api, item);
}

function secretRoutes(router: Router, api: Api, item: string): void {
  router.get(`${item}/secret`, async (request, response) => {
    const account = applicationOf(response);
    const endpoint = await endpointOf(api, request, response);
    response.json({ key: secretOf(endpoint, account) });
  });

  router.post(`${item}/secret/rotate`, async (request, response) => {
    const account = applicationOf(response);
    const endpoint = await endpointOf(api, request, response);
    const secretsAfter = (current: StoredSubscription) => rotatedSecrets(current, request.body);
    const rotated = await api.registrar.rotate(endpoint, secretsAfter, idempotencyKeyOf(request));
    if (readsRotatedSecret(request.get('user-agent'))) response.json({ key: secretOf(rotated, account) });
    else response.status(204).end();
  });
}

function headerRoutes(router: Router, api: Api, item: string): void {
  const { registrar } = api;

  router.get(`${item}/headers`, async (request, response) => {
    const { headers } = await endpointOf(api, request, response);
    response.json(toHeadersOut(headers));
  });

  router.put(`${item}/headers`, async (request, response) => {
    const account = applicationOf(response);
    const endpoint = await endpointOf(api, request, response);
    await registrar.edit(account, endpoint, { headers: replacedHeaders(request.body) });
    response.status(204).end();
  });

  router.patch(`${item}/headers`, async (request, response) => {
    const account = applicationOf(response);
    const endpoint = await endpointOf(api, request, response);
    await registrar.edit(account, endpoint, (current) => ({
      headers: patchedHeaders(current.headers, request.body),
    }));
    response.status(204).end();
  });
}

/** Routes of endpoints that only those of applications have. */
export function applicationEndpointRoutes(router: Router, api: Api, path: string): void {
  const item = `${path}/:endpoint_id`;

  router.post(`${item}/send-example`, (request, response) =>
    respondOnce(api, request, response, async () => {
      const account = applicationOf(response);
      const endpoint = await endpointOf(api, request, response);
      return { status: 202, body: await sendExample(api, environmentOf(response), account, endpoint, request.body) };
    }),
  );

  router.get(`${item}/stats`, async (request, response) => {
    const { id } = await endpointOf(api, request, response);
    const until = readTime(request.query, 'until') ?? new Date();
    const since = readTime(request.query, 'since') ?? new Date(until.getTime() - STATS_MS);
    if (since > until) throw badQuery('since: expected a time before `until`');
    const counts = await countByState(api.registrar.store, { subscriptionId: id, since, until });
    const count = (state: Parameters<typeof counts.get>[0]) => counts.get(state) ?? 0;
    response.json({
      success: count('delivered'),
      pending: count('pending') + count('paused'),
      sending: count('retrying'),
      fail: count('failed'),
      canceled: count('cancelled'),
    });
  });

  transformationRoutes(router, api, item);
}

/** As for an account without the feature: there is no transformation, and only one that does nothing can be set. */
function transformationRoutes(router: Router, api: Api, item: string): void {
  router.get(`${item}/transformation`, async (request, response) => {
    await endpointOf(api, request, response);
    response.json({ code: null, enabled: false, variables: null, updatedAt: null });
  });

  router.patch(`${item}/transformation`, async (request, response) => {
    await endpointOf(api, request, response);
    const { code, enabled } = readObject(request.body);
    if (enabled === true || (code != null && code !== ''))
      throw svixError(403, 'insufficient access', 'Transformations are not enabled');
    response.status(204).end();
  });
}

/** The range of statistics without `since`, in milliseconds. codegen/lib-openapi.json: "Defaults to 28 days ago". */
const STATS_MS = 28 * 86_400_000;

function secretOf(endpoint: StoredSubscription, account: StoredAccount): string | undefined {
  return (contract as AnyContract).subscriptions.signingSecret?.(endpoint, account);
}

/**
 * Sends an event type's example to one endpoint and returns Svix's message. Source: svix-server,
 * src/v1/endpoints/endpoint/mod.rs; the status is from codegen/lib-openapi.json. The example is the first one of a schema
 * that was defined, or the documented one.
 */
async function sendExample(
  { registrar }: Api,
  environment: StoredAccount,
  account: StoredAccount,
  endpoint: StoredSubscription,
  body: unknown,
) {
  const { eventType } = readObject(body);
  const definition = typeof eventType === 'string' ? findEvent(eventType) : undefined;
  if (!definition) throw validationError(['body', 'eventType'], 'must be 1 to 256 letters, digits, -, _ and .');
  const { type } = definition;
  const defined = await findAccountEventType(registrar.store, environment.id, type);
  const data = type === PING ? PING_DATA : (exampleOf(defined?.schemas) ?? definition.example);
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

/** The first example of the newest schema. */
function exampleOf(schemas: Readonly<Record<string, unknown>> | null | undefined): object | undefined {
  const schema = Object.entries(schemas ?? {}).at(-1)?.[1];
  const { examples } = (typeof schema === 'object' && schema !== null ? schema : {}) as { examples?: unknown };
  const [first] = Array.isArray(examples) ? (examples as unknown[]) : [];
  return typeof first === 'object' && first !== null && !Array.isArray(first) ? first : undefined;
}
