/**
 * Postmark's own webhooks API.
 * https://postmarkapp.com/developer/api/webhooks-api
 */
import { Router, type Request, type RequestHandler, type Response } from 'express';
import type { StoredSubscription } from '../../../store/subscriptions/subscriptions.js';
import type { Registrar, RegistrationRoutes } from '../../registration.js';
import { DEFAULT_STREAMS, defaultStream } from '../streams.js';
import { ApiError, sendErrors } from './errors.js';
import { readEdit, readNew, toFields, type RequestBody } from './input.js';
import { isWebhook, toWebhook, type Webhook, type PostmarkAccount } from './output.js';
import { statistics } from './statistics.js';
import { testBeforeSaving, unverifiedBy, verify } from './verification.js';

/** "Add up to 10 different URLs" (postmarkapp.com/email-webhooks); by error 1359 the limit is per stream. */
const MAX_PER_STREAM = 10;

export const routes: RegistrationRoutes = (registrar) => {
  const webhooks = Router();
  webhooks.use(requireToken(registrar));

  webhooks.get('/', async (request, response) => {
    const account = accountOf(response);
    const stream = queryValue(request, 'messagestream');
    const rows = await list(registrar, account);
    if (stream && !streamExists(stream, account, rows)) throw new ApiError(1226);
    const wanted = rows.filter(({ options }) => !stream || options.messageStream === stream);
    response.json({ Webhooks: wanted.map((webhook) => toWebhook(webhook, account.settings.contract)) });
  });

  webhooks.post('/', ...registrar.readJson, async (request, response) => {
    const account = accountOf(response);
    const { contract } = account.settings;
    const input = readNew(request.body, contract);
    const messageStream = input.MessageStream ?? defaultStream('');
    checkStream(messageStream, account, await list(registrar, account));
    const body = { ...toFields(input), messageStream };
    const verified = await tested(request, input, account, async () =>
      verify(registrar, account, (await registrar.draft(account, body)) as Webhook, 0),
    );
    response.json(toWebhook((await registrar.create(account, { ...body, ...verified })) as Webhook, contract));
  });

  webhooks.get('/:id', async (request, response) => {
    const account = accountOf(response);
    response.json(toWebhook(await mustFind(registrar, account, request), account.settings.contract));
  });

  webhooks.put('/:id', ...registrar.readJson, async (request, response) => {
    const account = accountOf(response);
    const { contract } = account.settings;
    const webhook = await mustFind(registrar, account, request);
    const input = readEdit(request.body, contract, webhook);
    const draft = registrar.draftEdit(account, webhook, toFields(input, webhook)) as Webhook;
    const verified = await tested(request, input, account, () => verify(registrar, account, draft));
    const changes = (current: StoredSubscription) => ({ ...toFields(input, current as Webhook), ...verified });
    // Responses show all stored values, so moving a webhook to a new URL reveals nothing more.
    const edited = await registrar.edit(account, webhook, changes, { isHidden: () => false });
    response.json(toWebhook(edited as Webhook, contract));
  });

  webhooks.delete('/:id', async (request, response) => {
    const webhook = await mustFind(registrar, accountOf(response), request);
    await registrar.remove(webhook);
    response.json({ ErrorCode: 0, Message: `Webhook ${webhook.reference} removed.` });
  });

  webhooks.post('/:id/verify', since2026, async (request, response) => {
    const account = accountOf(response);
    const report = await verify(registrar, account, await mustFind(registrar, account, request));
    const webhook = await mustFind(registrar, account, request);
    await registrar.edit(account, webhook, { unverifiedTriggers: unverifiedBy(report) });
    response.json(report);
  });

  webhooks.get('/:id/statistics', since2026, async (request, response) => {
    const account = accountOf(response);
    response.json(await statistics(registrar, account, await mustFind(registrar, account, request)));
  });

  webhooks.use(() => {
    throw new ApiError(404);
  });
  webhooks.use(sendErrors(registrar));
  return Router().use('/webhooks', webhooks);
};

function requireToken(registrar: Registrar): RequestHandler {
  return async (request, response, next) => {
    // "The header name and value are case insensitive", and tokens are made in lower case.
    const token = request.get('X-Postmark-Server-Token')?.trim().toLowerCase();
    const account = await registrar.authenticate('postmark', token, request);
    if (!account) throw new ApiError(10);
    response.locals.account = account;
    next();
  };
}

function accountOf(response: Response): PostmarkAccount {
  return response.locals.account as PostmarkAccount;
}

/** Hides routes that the classic contract does not have. */
const since2026: RequestHandler = (_request, response, next) => {
  if (accountOf(response).settings.contract !== '2026') throw new ApiError(404);
  next();
};

async function list(registrar: Registrar, account: PostmarkAccount): Promise<Webhook[]> {
  return (await registrar.list(account)).filter(isWebhook) as Webhook[];
}

/** The id of another account and an unknown id get the same response. */
async function mustFind(registrar: Registrar, account: PostmarkAccount, { params }: Request): Promise<Webhook> {
  const { id } = params;
  const found = typeof id === 'string' && /^\d{1,18}$/.test(id) ? await registrar.find(account, id) : undefined;
  if (!found || !isWebhook(found)) throw new ApiError(1352);
  return found as Webhook;
}

/** Tests an endpoint before it is saved, if the contract requires that; see `testBeforeSaving`. */
async function tested(
  request: Request,
  input: RequestBody,
  { settings }: PostmarkAccount,
  test: Parameters<typeof testBeforeSaving>[1],
): Promise<Record<string, unknown>> {
  if (settings.contract !== '2026') return {};
  const query = queryValue(request, 'verify')?.toLowerCase();
  if (query && !['true', 'false'].includes(query)) throw new ApiError(1361, "'Verify' must be true or false.");
  // The page documents a field of the body, error 1364 a query parameter; both are accepted.
  const wanted = input.Verify !== false && query !== 'false';
  return { unverifiedTriggers: await testBeforeSaving(wanted, test) };
}

/** A query parameter by its key in any case, because the vendor's clients use different cases. */
function queryValue({ query }: Request, key: string): string | undefined {
  const entries = Object.entries(query as Record<string, string | string[]>);
  const value = entries.find(([name]) => name.toLowerCase() === key)?.[1];
  return Array.isArray(value) ? value[0] : value;
}

/** Whether the server has a stream: a default one, one from its settings, or one of a subscription created by `/v1`. */
function streamExists(stream: string, { settings }: PostmarkAccount, webhooks: readonly Webhook[]): boolean {
  const known = [...DEFAULT_STREAMS, ...settings.messageStreams, ...settings.archivedStreams];
  return known.includes(stream) || webhooks.some(({ options }) => options.messageStream === stream);
}

/** Throws the reason for which a stream accepts no new webhook; `webhooks` are those of the account. */
function checkStream(stream: string, account: PostmarkAccount, webhooks: readonly Webhook[]): void {
  if (stream === 'inbound') throw new ApiError(1351);
  if (!streamExists(stream, account, webhooks)) throw new ApiError(1235);
  if (account.settings.archivedStreams.includes(stream)) throw new ApiError(1350);
  const others = webhooks.filter(({ options }) => options.messageStream === stream);
  if (others.length >= MAX_PER_STREAM) throw new ApiError(1359);
}
