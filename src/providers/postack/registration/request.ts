/** What the routes have in common: the accounts and entries that a request names. */
import type { Request, Response } from 'express';
import type { StoredAccount } from '../../../store/accounts/accounts.js';
import { findLoggedEvent, type LoggedEvent } from '../../../store/events/event-log.js';
import type { StoredSubscription } from '../../../store/subscriptions/subscriptions.js';
import type { Registrar } from '../../registration.js';
import type { Options } from '../fields.js';
import { notFound } from './errors.js';
import type { HandlerResult, Once } from './idempotency.js';
import { fromSvixId } from './paging.js';

/** What the routes work with. */
export interface Api {
  readonly registrar: Registrar;
  readonly once: Once;
}

/** The key or token of a request; undefined without one. */
export function bearerOf(request: Request): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(request.get('authorization') ?? '')?.[1];
}

/** The account of the key: to Svix, an environment. */
export function environmentOf(response: Response): StoredAccount {
  return response.locals.environment as StoredAccount;
}

/** The application of the path: the account of the key itself or one below it. */
export function applicationOf(response: Response): StoredAccount {
  const application = response.locals.application as StoredAccount | undefined;
  if (!application) throw notFound();
  return application;
}

/** Whether a subscription is an endpoint; one that is polled is a sink. */
export function isEndpoint({ options }: StoredSubscription): boolean {
  return (options as Options).receivesBy === undefined;
}

/** A subscription of the account by its id or its uid. */
async function findSubscription({ registrar }: Api, account: StoredAccount, id: string) {
  if (/^ep_[a-zA-Z0-9]{1,64}$/.test(id)) return registrar.find(account, id);
  return (await registrar.list(account)).find(({ options }) => (options as Options).uid === id);
}

/** An endpoint of the account by its id or its uid. */
export async function findEndpoint(
  api: Api,
  account: StoredAccount,
  id: string,
): Promise<StoredSubscription | undefined> {
  const found = await findSubscription(api, account, id);
  return found && isEndpoint(found) ? found : undefined;
}

export async function mustFindEndpoint(api: Api, account: StoredAccount, id: string): Promise<StoredSubscription> {
  const endpoint = await findEndpoint(api, account, id);
  if (!endpoint) throw notFound();
  return endpoint;
}

/** The endpoint of the path. */
export function endpointOf(
  api: Api,
  { params }: Pick<Request, 'params'>,
  response: Response,
): Promise<StoredSubscription> {
  return mustFindEndpoint(api, applicationOf(response), String(params.endpoint_id));
}

/** A subscription of the account that is polled, by its id or its uid. */
export async function mustFindSink(api: Api, account: StoredAccount, id: string): Promise<StoredSubscription> {
  const found = await findSubscription(api, account, id);
  if (!found || isEndpoint(found)) throw notFound();
  return found;
}

/** A message of the account by its id or its eventId. */
export async function mustFindMessage(
  { registrar: { store } }: Api,
  account: StoredAccount,
  id: string,
): Promise<LoggedEvent> {
  const eventId = fromSvixId('msg_', 'evt', id);
  const found =
    (eventId && (await findLoggedEvent(store, account.id, { id: eventId }))) ??
    (/^[a-zA-Z0-9\-_.]{1,256}$/.test(id) ? await findLoggedEvent(store, account.id, { uid: id }) : undefined);
  if (!found) throw notFound();
  return found;
}

/** Handles a POST, or repeats the response to the first one with its idempotency key. */
export async function respondOnce(
  { once }: Api,
  request: Request,
  response: Response,
  handle: () => Promise<HandlerResult>,
): Promise<void> {
  const { status, body } = await once(request, environmentOf(response), handle);
  response.status(status);
  if (body === undefined) response.end();
  else response.json(body);
}
