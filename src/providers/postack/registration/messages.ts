/** Messages: svix-server, src/v1/endpoints/message.rs, and for newer calls codegen/lib-openapi.json. */
import { createHash, randomBytes } from 'node:crypto';
import type { Request, Response, Router } from 'express';
import { z } from 'zod';
import { check } from '../../../http/check.js';
import type { StoredAccount } from '../../../store/accounts/accounts.js';
import { expireContents } from '../../../store/erasures.js';
import { listLoggedEvents } from '../../../store/events/event-log.js';
import { contract } from '../contract.js';
import { messageId } from '../../../contract/message.js';
import { createApplication } from './applications.js';
import { notFound, SvixError, svixError, validationError } from './errors.js';
import { idempotencyKeyOf } from './idempotency.js';
import { channels, eventType, readMessage, type GivenMessage } from './message-input.js';
import { listText, messageText } from './message-output.js';
import { fromSvixId, readEventConditions, readFlag, readPageQuery, readRange, toPage } from './paging.js';
import { applicationOf, environmentOf, mustFindMessage, respondOnce, type Api } from './request.js';
import { startTask, taskOut } from './tasks.js';

export const MESSAGES = '/api/v1/app/:app_id/msg';

const precheckIn = z.object({ eventType, channels: channels.nullish() });
/** Ids of one request; each is looked up and erased by itself. */
const bulkIn = z.object({ ids: z.array(z.string().max(256)).max(100).default([]) });

/** The role of this API's callers in the records of erasures. */
export const ERASED_BY = 'account';

export function messageRoutes(router: Router, api: Api): void {
  const { registrar } = api;
  const { store } = registrar;

  router.post(MESSAGES, (request, response) => create(api, request, response));

  router.get(MESSAGES, async (request, response) => {
    const { query } = request;
    const pageQuery = readPageQuery(query, /^msg_[0-9a-z]{26}$/);
    const { iterator, ascending, limit } = pageQuery;
    const withContent = readFlag(query, 'with_content', true);
    const events = await listLoggedEvents(store, {
      accountId: applicationOf(response).id,
      ...readEventConditions(query),
      ...readRange(query),
      ...(iterator === undefined ? {} : { from: fromSvixId('msg_', 'evt', iterator) ?? '' }),
      ascending,
      limit: limit + 1,
    });
    const { page, ends } = toPage(events, pageQuery, ({ id }) => messageId(id));
    const entries = page.map((event) => messageText(event, withContent));
    response.type('json').send(listText(entries, ends));
  });

  router.post(`${MESSAGES}/precheck/active`, async (request, response) => {
    const { eventType: type, channels: given } = check(precheckIn, request.body);
    const account = applicationOf(response);
    const enabled = (await registrar.list(account)).filter((subscription) => subscription.enabled);
    const event = { id: '', type, occurredAt: new Date(), text: '{}', data: {}, channels: given ?? [] };
    const selected = contract.select(event, enabled as never, account as never);
    response.json({ active: selected.length > 0 });
  });

  router.get(`${MESSAGES}/:msg_id`, async (request, response) => {
    const event = await mustFindMessage(api, applicationOf(response), request.params.msg_id);
    const withContent = readFlag(request.query, 'with_content', true);
    response.type('json').send(messageText(event, withContent));
  });

  expungeRoutes(router, api);
}

function expungeRoutes(router: Router, api: Api): void {
  const { registrar } = api;

  router.delete(`${MESSAGES}/:msg_id/content`, async (request, response) => {
    const account = applicationOf(response);
    const event = await mustFindMessage(api, account, request.params.msg_id);
    await registrar.erase(account, event.id, ERASED_BY);
    response.status(204).end();
  });

  router.post(`${MESSAGES}/bulk-expunge`, (request, response) =>
    respondOnce(api, request, response, async () => {
      const account = applicationOf(response);
      const results: [string, string][] = [];
      for (const id of new Set(check(bulkIn, request.body ?? {}).ids)) {
        const event = await mustFindMessage(api, account, id).catch(undefinedIfNotFound);
        if (event) await registrar.erase(account, event.id, ERASED_BY);
        results.push([id, event ? 'expunged' : 'not-found']);
      }
      return { status: 200, body: { results: Object.fromEntries(results) } };
    }),
  );

  router.post(`${MESSAGES}/expunge-all-contents`, (request, response) =>
    respondOnce(api, request, response, async () => {
      const { id: accountId } = applicationOf(response);
      await expireContents(registrar.store, accountId);
      const task = await startTask(api, environmentOf(response), 'application.purge_content', { data: { accountId } });
      return { status: 202, body: taskOut(task) };
    }),
  );
}

function undefinedIfNotFound(error: unknown): undefined {
  if (error instanceof SvixError && error.status === 404) return undefined;
  throw error;
}

/**
 * Creates a message. An eventId can be used once within the time for which idempotency keys are stored: "It's verified to
 * be unique only up to a day".
 */
async function create(api: Api, request: Request, response: Response): Promise<void> {
  const withContent = readFlag(request.query, 'with_content', true);
  const given = readMessage(request.body, request.bodyText ?? '', new Date());
  const account = await accountFor(api, request, response, given);
  const { event } = given;
  const { uid } = event.details;
  const key = idempotencyKeyOf(request);
  const once =
    uid === null
      ? key === undefined
        ? undefined
        : { key, fingerprint: Buffer.alloc(0) }
      : { key: `svix event ${uid}`, fingerprint: key === undefined ? randomBytes(32) : hash(key) };
  const { eventId, occurredAt } = await api.registrar.emit(account, event, once);
  const { type, text, channels: givenChannels, details } = event;
  const logged = { id: eventId, type, occurredAt, channels: givenChannels, text, erasedAt: null, ...details };
  response.status(202).type('json').send(messageText(logged, withContent));
}

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The application of the path; it is created if there is none and the message describes it. */
async function accountFor(
  api: Api,
  request: Request,
  response: Response,
  { application }: GivenMessage,
): Promise<StoredAccount> {
  const found = response.locals.application as StoredAccount | undefined;
  if (found) return found;
  if (!application) throw svixError(404, notFoundCode, 'Application not found');
  const loc = ['body', 'application', 'uid'];
  if (application.uid == null) throw validationError(loc, 'Application UID not set in body', 'application_uid_missing');
  if (application.uid !== request.params.app_id)
    throw validationError(loc, 'Application UID in the path and body must match', 'application_uid_mismatch');
  return createApplication(api, environmentOf(response), application);
}

const notFoundCode = (notFound().body as { code: string }).code;
