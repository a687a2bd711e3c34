/**
 * postpress' own API for webhooks: create, list and delete. Neither its reference nor unipile-node-sdk 1.9.3 can read
 * or edit one webhook. https://api.postpress.io/docs/webhooks-create, /webhooks-list, /webhooks-delete
 */
import { Router, type RequestHandler } from 'express';
import type { StoredAccount } from '../../../store/accounts/accounts.js';
import type { StoredSubscription } from '../../../store/subscriptions/subscriptions.js';
import type { Registrar, RegistrationRoutes } from '../../registration.js';
import type { Options } from '../contract.js';
import type { Source } from '../sources.js';
import { PostpressError, sendErrors } from './errors.js';
import { readCreation, readPage, writeCursor } from './input.js';

/** The reference shows both prefixes; unipile-node-sdk uses only the second. */
const PREFIXES = ['/v1', '/api/v1'];
const WEBHOOKS = PREFIXES.map((prefix) => `${prefix}/webhooks`);
const WEBHOOK = PREFIXES.map((prefix) => `${prefix}/webhooks/:id`);

/** The format of ids; other values cannot match and are not looked up. */
const ID = /^wh_[0-9A-Z]{26}$/;

type Locals = { account: StoredAccount };
type Handler<Params = object> = RequestHandler<Params, unknown, unknown, unknown, Locals>;

export const routes: RegistrationRoutes = (registrar) => {
  const router = Router();
  const authenticated = authenticate(registrar);

  const create: Handler = async ({ body }, response) => {
    const webhook = await registrar.create(response.locals.account, readCreation(body));
    response.status(201).json({ object: 'WebhookCreated', webhook_id: webhook.reference });
  };

  const list: Handler = async ({ query }, response) => {
    const { limit, after = '' } = readPage(query);
    const rest = (await registrar.list(response.locals.account)).filter(({ id }) => id > after);
    const page = rest.slice(0, limit);
    const last = page.at(-1);
    const cursor = rest.length > limit && last ? writeCursor(limit, last.id) : null;
    response.json({ object: 'WebhookList', items: page.map(toItem), cursor });
  };

  const remove: Handler<{ id: string }> = async ({ params: { id } }, response) => {
    const webhook = ID.test(id) ? await registrar.find(response.locals.account, id) : undefined;
    if (!webhook) throw new PostpressError('resource_not_found', 'Webhook not found');
    await registrar.remove(webhook);
    response.json({ object: 'WebhookDeleted' });
  };

  router
    .route(WEBHOOKS)
    .all(authenticated)
    .post(...registrar.readJson, create)
    .get(list)
    .all(noSuchOperation);
  router.route(WEBHOOK).all(authenticated).delete(remove).all(noSuchOperation);
  router.use(sendErrors(registrar));
  return router;
};

function authenticate(registrar: Registrar): Handler {
  return async (request, response, next) => {
    const key = request.get('x-api-key');
    const account = await registrar.authenticate('postpress', key, request);
    if (!key) throw new PostpressError('missing_credentials', 'send your API key as X-API-KEY');
    if (!account) throw new PostpressError('invalid_credentials', 'there is no such API key');
    response.locals.account = account;
    next();
  };
}

/** postpress documents no 405; unknown routes are not found. */
const noSuchOperation: RequestHandler = ({ method, path }) => {
  throw new PostpressError('resource_not_found', `Cannot ${method} ${path}`);
};

/** A webhook in a list: `WebhookAutoSchema` of unipile-node-sdk, which accepts no other format. */
function toItem({ reference, enabled, url, eventTypes, headers, options }: StoredSubscription) {
  const { source, name, format, accountIds, data } = options as Options;
  return {
    object: 'Webhook',
    type: 'AUTO',
    id: reference,
    ...(name === null ? {} : { name }),
    enabled,
    request_url: url,
    format,
    account_ids: accountIds.map((id) => ({ id, type: ACCOUNT_TYPE[source] })),
    headers: Object.entries(headers).map(([key, value]) => ({ key, value })),
    data,
    ...(eventTypes.length === 0 ? {} : { events: eventTypes }),
  };
}

/**
 * Webhooks have only the ids of connected accounts, but lists must contain their type. This is the type in postpress'
 * samples of the source; mail has no sample, so it gets the type for any mailbox.
 */
const ACCOUNT_TYPE: Readonly<Record<Source, string>> = {
  messaging: 'LINKEDIN',
  users: 'LINKEDIN',
  account_status: 'LINKEDIN',
  email: 'MAIL',
  email_tracking: 'MAIL',
  calendar_event: 'GOOGLE_CALENDAR',
};
