/** Attempts, and what became of messages: svix-server, src/v1/endpoints/attempt.rs, and codegen/lib-openapi.json. */
import type { Request, Response, Router } from 'express';
import {
  deliveriesOf,
  eraseResponse,
  findLoggedAttempt,
  listLoggedAttempts,
  listLoggedDeliveries,
  type AttemptLogFilter,
  type LoggedAttempt,
} from '../../../store/attempts/attempt-log.js';
import { findLoggedEvent } from '../../../store/events/event-log.js';
import { messageId } from '../../../contract/message.js';
import { attemptId } from '../ids.js';
import {
  attemptOut,
  attemptText,
  headersOut,
  readAttemptId,
  statesOf,
  STATUS_CLASSES,
  STATUSES,
  statusFields,
} from './attempt-output.js';
import { notFound } from './errors.js';
import { listText, messageText } from './message-output.js';
import { MESSAGES } from './messages.js';
import { toEndpointOut } from './output.js';
import {
  fromSvixId,
  invalidIterator,
  readChoice,
  readEventConditions,
  readFlag,
  readPageQuery,
  readRange,
  toPage,
} from './paging.js';
import {
  applicationOf,
  endpointOf,
  isEndpoint,
  mustFindEndpoint,
  mustFindMessage,
  respondOnce,
  type Api,
} from './request.js';

const APPLICATION = '/api/v1/app/:app_id';

export function attemptRoutes(router: Router, api: Api): void {
  router.get(`${APPLICATION}/attempt/endpoint/:endpoint_id`, async (request, response) => {
    const { id } = await endpointOf(api, request, response);
    await sendAttempts(api, request, response, { subscriptionId: id });
  });

  router.get(`${APPLICATION}/attempt/msg/:msg_id`, async (request, response) => {
    const account = applicationOf(response);
    const event = await mustFindMessage(api, account, request.params.msg_id);
    const { endpoint_id: named } = request.query;
    const endpoint = typeof named === 'string' ? await mustFindEndpoint(api, account, named) : undefined;
    await sendAttempts(api, request, response, {
      eventId: event.id,
      ...(endpoint ? { subscriptionId: endpoint.id } : {}),
    });
  });

  attemptedRoutes(router, api);
  attemptRoute(router, api);

  router.post(`${MESSAGES}/:msg_id/endpoint/:endpoint_id/resend`, (request, response) =>
    respondOnce(api, request, response, async () => {
      const account = applicationOf(response);
      const event = await mustFindMessage(api, account, String(request.params.msg_id));
      const endpoint = await endpointOf(api, request, response);
      await api.registrar.resend(account, endpoint, event.id);
      return { status: 202, body: {} };
    }),
  );
}

/** A page of attempts, those of the newest deliveries first. */
async function sendAttempts(
  { registrar: { store } }: Api,
  request: Request,
  response: Response,
  of: Pick<AttemptLogFilter, 'subscriptionId' | 'eventId'>,
): Promise<void> {
  const { query } = request;
  const { id: accountId } = applicationOf(response);
  const pageQuery = readPageQuery(query, /^atmpt_[0-9a-z]{27,36}$/);
  const { iterator, ascending, limit } = pageQuery;
  const from = iterator === undefined ? undefined : readAttemptId(iterator);
  if (iterator !== undefined && !from) throw invalidIterator();
  const status = readChoice(query, 'status', STATUSES);
  const statusClass = readChoice(query, 'status_code_class', STATUS_CLASSES);
  const withContent = readFlag(query, 'with_content', true);
  const withMessage = readFlag(query, 'with_msg', false);
  // An attempt exists once it was made: it was a success or a failure, and is neither pending nor sending nor cancelled.
  const isNone = status !== undefined && status !== 0 && status !== 2;
  const attempts = isNone
    ? []
    : await listLoggedAttempts(store, {
        accountId,
        ...of,
        ...readEventConditions(query),
        ...readRange(query),
        ...(status === undefined ? {} : { accepted: status === 0 }),
        ...(statusClass === undefined ? {} : { statuses: statusClass === 0 ? null : [statusClass, statusClass + 99] }),
        ...(from ? { from } : {}),
        ascending,
        limit: limit + 1,
      });
  const { page, ends } = toPage(attempts, pageQuery, attemptId);
  const messages = new Map<string, string>();
  if (withMessage) {
    for (const id of new Set(page.map(({ eventId }) => eventId))) {
      const event = await findLoggedEvent(store, accountId, { id });
      if (event) messages.set(id, messageText(event, withContent));
    }
  }
  const entries = page.map((attempt) => attemptText(attempt, withContent, messages.get(attempt.eventId)));
  response.type('json').send(listText(entries, ends));
}

/** Messages of an endpoint, and endpoints of a message. */
function attemptedRoutes(router: Router, api: Api): void {
  const { store } = api.registrar;

  router.get(`${APPLICATION}/endpoint/:endpoint_id/msg`, async (request, response) => {
    const { query } = request;
    const { id } = await endpointOf(api, request, response);
    const pageQuery = readPageQuery(query, /^msg_[0-9a-z]{26}$/);
    const { iterator, ascending, limit } = pageQuery;
    const status = readChoice(query, 'status', STATUSES);
    const expanded = readFlag(query, 'expanded_statuses', false);
    const withContent = readFlag(query, 'with_content', true);
    const deliveries = await listLoggedDeliveries(store, {
      subscriptionId: id,
      ...readEventConditions(query),
      ...readRange(query),
      ...(status === undefined ? {} : statesOf(status, expanded)),
      ...(iterator === undefined ? {} : { from: fromSvixId('msg_', 'evt', iterator) ?? '' }),
      ascending,
      limit: limit + 1,
    });
    const { page, ends } = toPage(deliveries, pageQuery, ({ eventId }) => messageId(eventId));
    const entries = page.map((delivery) => messageText(delivery, withContent, statusFields(delivery, expanded)));
    response.type('json').send(listText(entries, ends));
  });

  router.get(`${MESSAGES}/:msg_id/endpoint`, async (request, response) => {
    const account = applicationOf(response);
    const event = await mustFindMessage(api, account, request.params.msg_id);
    const pageQuery = readPageQuery(request.query, /^ep_[a-zA-Z0-9]{1,64}$/);
    const { iterator, ascending } = pageQuery;
    const endpoints = new Map((await api.registrar.list(account)).filter(isEndpoint).map((each) => [each.id, each]));
    const deliveries = (await deliveriesOf(store, account.id, event.id)).flatMap((delivery) => {
      const endpoint = endpoints.get(delivery.subscriptionId);
      return endpoint ? [{ delivery, endpoint }] : [];
    });
    if (!ascending) deliveries.reverse();
    const from = deliveries.findIndex(({ endpoint }) => endpoint.reference === iterator);
    const { page, ends } = toPage(deliveries.slice(from + 1), pageQuery, ({ endpoint }) => endpoint.reference);
    const data = page.map(({ delivery, endpoint }) => ({
      ...toEndpointOut(endpoint),
      ...statusFields(delivery, true),
    }));
    response.json({ data, ...ends });
  });
}

/** One attempt, its headers and its content. */
function attemptRoute(router: Router, api: Api): void {
  const path = `${MESSAGES}/:msg_id/attempt/:attempt_id` as const;

  router.get(path, async (request, response) => {
    response.json(attemptOut(await mustFindAttempt(api, response, request.params), true));
  });

  router.get(`${path}/headers`, async (request, response) => {
    response.json(headersOut(await mustFindAttempt(api, response, request.params)));
  });

  router.delete(`${path}/content`, async (request, response) => {
    await eraseResponse(api.registrar.store, await mustFindAttempt(api, response, request.params));
    response.status(204).end();
  });
}

async function mustFindAttempt(
  api: Api,
  response: Response,
  { msg_id: message, attempt_id: attempt }: { readonly msg_id: string; readonly attempt_id: string },
): Promise<LoggedAttempt> {
  const { id } = await mustFindMessage(api, applicationOf(response), message);
  const position = readAttemptId(attempt);
  const found = position && (await findLoggedAttempt(api.registrar.store, id, position));
  if (!found) throw notFound();
  return found;
}
