/** Polling of a sink, which is a subscription that is polled: codegen/lib-openapi.json, PollingEndpointOut. */
import type { Request, Response, Router } from 'express';
import { z } from 'zod';
import { idSuffix, lowestIdAt } from '../../../contract/ids.js';
import { check } from '../../../http/check.js';
import { commitPosition, seekPosition } from '../../../store/messages/consumers.js';
import { lastPosition, positionAt, readMessages, type StoredMessage } from '../../../store/messages/messages.js';
import { messageId } from '../../../contract/message.js';
import { svixError, validationError } from './errors.js';
import { listText } from './message-output.js';
import { readPageQuery, readTime, type PageQuery } from './paging.js';
import { applicationOf, mustFindSink, respondOnce, type Api } from './request.js';

const PATH = '/api/v1/app/:app_id/poller/:sink_id';

/** Maximum consumers of a sink. */
const MAX_CONSUMERS = 100;
/** Maximum size of the bodies of a page, in bytes, unless its first one is larger. */
const MAX_PAGE_BYTES = 4 * 1_024 * 1_024;

const ITERATOR = /^[A-Za-z0-9_-]{1,100}$/;
const CONSUMER = /^[A-Za-z0-9._-]{1,64}$/;
const seekIn = z.object({ after: z.iso.datetime({ offset: true }) });

export function pollerRoutes(router: Router, api: Api): void {
  const { store } = api.registrar;

  router.get(PATH, async (request, response) => {
    const { id } = await mustFindSink(api, applicationOf(response), request.params.sink_id);
    const query = readPageQuery(request.query, ITERATOR);
    const since = readTime(request.query, 'after');
    const after =
      (await positionOf(api, id, query)) ?? (since ? await positionAt(store, id, lowestIdAt('evt', since)) : 0);
    await sendPage(api, response, id, { after, limit: query.limit });
  });

  // The iterator of a page commits it.
  router.get(`${PATH}/consumer/:consumer_id`, async (request, response) => {
    const { id } = await mustFindSink(api, applicationOf(response), request.params.sink_id);
    const query = readPageQuery(request.query, ITERATOR);
    const position = await positionOf(api, id, query);
    const consumer = { subscriptionId: id, name: consumerOf(request) };
    const committed = await commitPosition(store, consumer, { position, max: MAX_CONSUMERS });
    if (committed === undefined)
      throw svixError(400, 'limit_reached', `A poller has at most ${MAX_CONSUMERS} consumers`);
    await sendPage(api, response, id, { after: position ?? committed, limit: query.limit });
  });

  router.post(`${PATH}/consumer/:consumer_id/seek`, (request, response) =>
    respondOnce(api, request, response, async () => {
      const { id } = await mustFindSink(api, applicationOf(response), String(request.params.sink_id));
      const since = new Date(check(seekIn, request.body).after);
      const position = await positionAt(store, id, lowestIdAt('evt', since));
      const consumer = { subscriptionId: id, name: consumerOf(request) };
      if (!(await seekPosition(store, consumer, { position, max: MAX_CONSUMERS })))
        throw svixError(400, 'limit_reached', `A poller has at most ${MAX_CONSUMERS} consumers`);
      return { status: 200, body: { iterator: iteratorAt(id, position) } };
    }),
  );
}

function consumerOf({ params }: Request): string {
  const name = params.consumer_id;
  if (typeof name === 'string' && CONSUMER.test(name)) return name;
  throw validationError(['path', 'consumer_id'], 'must be 1 to 64 letters, digits, ., _ and -');
}

/** The iterator after a position; it names its sink, so that it is not used for another one. */
function iteratorAt(subscriptionId: string, position: number): string {
  return Buffer.from(`${idSuffix(subscriptionId)}.${position}`).toString('base64url');
}

async function positionOf(
  { registrar: { store } }: Api,
  subscriptionId: string,
  { iterator, isBack }: PageQuery,
): Promise<number | undefined> {
  if (iterator === undefined) return undefined;
  const [, suffix, digits] = /^([0-9a-z]{26})\.(\d{1,15})$/.exec(Buffer.from(iterator, 'base64url').toString()) ?? [];
  const position = Number(digits);
  // After a restore of an older copy of the database, positions after it are assigned again.
  if (isBack || suffix !== idSuffix(subscriptionId) || position > (await lastPosition(store, subscriptionId)))
    throw validationError(['query', 'iterator'], 'Invalid iterator');
  return position;
}

async function sendPage(
  { registrar: { store } }: Api,
  response: Response,
  subscriptionId: string,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<void> {
  const { messages, position, done } = await readMessages(store, subscriptionId, {
    after,
    limit,
    maxBytes: MAX_PAGE_BYTES,
  });
  const ends = { iterator: iteratorAt(subscriptionId, position), done };
  response
    .set('Cache-Control', 'no-store')
    .type('json')
    .send(listText(messages.map(polledText), ends));
}

/** PollingEndpointMessageOut; its payload is the body that an attempt would have sent. */
function polledText({ eventId, eventType, occurredAt, body }: StoredMessage): string {
  const head = JSON.stringify({ id: messageId(eventId), eventType, timestamp: occurredAt });
  return `${head.slice(0, -1)},"payload":${body}}`;
}
