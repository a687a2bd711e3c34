/**
 * Postscript's own API for webhook subscriptions: the webhook operations of
 * https://developers.postscript.io/reference, as copied in the GitHub repository api-evangelist/postscript
 * (`openapi/postscript-webhooks-api-openapi.yml`).
 */
import { Router, type RequestHandler, type Response } from 'express';
import { randomBytes } from 'node:crypto';
import type { Account } from '../../../contract/entities.js';
import { uuidV4 } from '../../../contract/random.js';
import { notFound, Problem } from '../../../http/problem.js';
import type { StoredAccount } from '../../../store/accounts/accounts.js';
import type { StoredSubscription } from '../../../store/subscriptions/subscriptions.js';
import type { Registrar, RegistrationRoutes } from '../../registration.js';
import { hasOwnTokens, tokenOf, type AccountSecrets, type Scope, type Settings } from '../account.js';
import { contract } from '../contract.js';
import { envelope } from '../envelope.js';
import { findEvent } from '../events.js';
import { badRequest, sendErrors, sendUnreadableTest } from './errors.js';
import { callerOf, readTest, toSubscription } from './input.js';
import { createRateLimit, RATE_LIMITED } from './rate-limit.js';

type PostscriptAccount = StoredAccount & Account<Scope, Settings, AccountSecrets>;

const ROOT = '/api/v2/webhooks';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const routes: RegistrationRoutes = (registrar) => {
  const router = Router();
  router.use(ROOT, requireShop(registrar), ...registrar.readJson);
  router.use(`${ROOT}/test`, sendUnreadableTest);

  router.post(ROOT, async (request, response) => {
    const shop = shopOf(response);
    const created = await registrar.create(shop, toSubscription(request.body));
    const token = tokenOf(shop as PostscriptAccount, created);
    response.json({ ...toResponse(created), ...(hasOwnTokens(shop) ? { token } : {}) });
  });

  router.get(ROOT, async (_request, response) => {
    response.json({ webhook_subscriptions: (await registrar.list(shopOf(response))).map(toResponse) });
  });

  router.get(`${ROOT}/token`, async (_request, response) => {
    const shop = shopOf(response);
    // Integrators observed that the token is created with the shop's first subscription.
    if (!(await registrar.hasSubscribed(shop))) throw badRequest('there is no token before the first subscription');
    response.json({ token: (shop.secrets as AccountSecrets).token });
  });

  router.get(`${ROOT}/example`, (request, response) => {
    const { event } = request.query;
    const definition = typeof event === 'string' ? findEvent(event) : undefined;
    if (!definition) throw badRequest('event: name one event of the catalogue');
    const shop = shopOf(response);
    const data = definition.exampleOf?.(shop) ?? definition.example;
    const example = { type: definition.type, occurredAt: new Date(), text: JSON.stringify(data) };
    const { shopId } = shop.scope as Scope;
    response.type('json').send(envelope({ webhookId: uuidV4(randomBytes), shopId, event: example }));
  });

  router.post(`${ROOT}/test`, async (request, response) => {
    const event = readTest(request.body);
    if ('msg' in event) return void response.status(400).json({ errors: [event] });
    await registrar.emitExample(shopOf(response), event.type);
    response.status(202).json({ message: 'OK' });
  });

  router.get(`${ROOT}/:id`, async (request, response) => {
    response.json(toResponse(await mustFind(registrar, shopOf(response), request.params.id)));
  });

  router.patch(`${ROOT}/:id`, async (request, response) => {
    const shop = shopOf(response);
    const subscription = await mustFind(registrar, shop, request.params.id);
    // Responses show all header values, so moving a subscription to a new URL reveals nothing more.
    const isHidden = () => false;
    response.json(toResponse(await registrar.edit(shop, subscription, toSubscription(request.body), { isHidden })));
  });

  router.delete(`${ROOT}/:id`, async (request, response) => {
    await registrar.remove(await mustFind(registrar, shopOf(response), request.params.id));
    response.json({});
  });

  router.use(ROOT, () => {
    throw notFound('operation');
  });
  router.use(ROOT, sendErrors(registrar));
  return router;
};

/** Authenticates the shop and applies its rate limit, if it has one. */
function requireShop(registrar: Registrar): RequestHandler {
  const isWithinLimit = createRateLimit();
  return async (request, response, next) => {
    const caller = callerOf(request);
    const shop = await registrar.authenticate(contract.provider, caller?.shopKey, request);
    if (!caller || !shop) {
      response.set('WWW-Authenticate', 'Bearer');
      throw new Problem('unauthorized', "send the shop's private key as Authorization: Bearer sk_...");
    }
    if ((shop.settings as Settings).enforceRateLimit && !isWithinLimit(caller.name)) {
      return void response.status(429).json(RATE_LIMITED);
    }
    response.locals.shop = shop;
    next();
  };
}

function shopOf(response: Response): StoredAccount {
  return response.locals.shop as StoredAccount;
}

async function mustFind(registrar: Registrar, shop: StoredAccount, id: string): Promise<StoredSubscription> {
  const subscription = UUID.test(id) ? await registrar.find(shop, id) : undefined;
  if (!subscription) throw badRequest('there is no such webhook subscription');
  return subscription;
}

function toResponse({ reference, url, eventTypes, headers, createdAt, updatedAt }: StoredSubscription) {
  return {
    callback_url: url,
    created_at: toSeconds(createdAt),
    event: eventTypes[0],
    headers,
    id: reference,
    updated_at: toSeconds(updatedAt),
  };
}

/** The format of the samples: `2019-08-24T14:15:22Z`. */
function toSeconds(time: Date): string {
  return `${time.toISOString().slice(0, -'.000Z'.length)}Z`;
}
