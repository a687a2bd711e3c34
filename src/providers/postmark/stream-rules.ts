/** Which message streams a server has, and whether a stream accepts another webhook. */
import type { PostmarkAccount } from './account.js';
import { ApiError } from './errors.js';
import { DEFAULT_STREAMS } from './streams.js';
import type { Webhook } from './webhook.js';

/** "Add up to 10 different URLs" (postmarkapp.com/email-webhooks); by error 1359 the limit is per stream. */
const MAX_PER_STREAM = 10;

/** Whether the server has a stream: a default one, one from its settings, or one of a subscription created by `/v1`. */
export function streamExists(stream: string, { settings }: PostmarkAccount, webhooks: readonly Webhook[]): boolean {
  const known = [...DEFAULT_STREAMS, ...settings.messageStreams, ...settings.archivedStreams];
  return known.includes(stream) || webhooks.some(({ options }) => options.messageStream === stream);
}

/** Throws the reason for which a stream accepts no new webhook; `webhooks` are those of the account. */
export function checkStream(stream: string, account: PostmarkAccount, webhooks: readonly Webhook[]): void {
  if (stream === 'inbound') throw new ApiError(1351);
  if (!streamExists(stream, account, webhooks)) throw new ApiError(1235);
  if (account.settings.archivedStreams.includes(stream)) throw new ApiError(1350);
  const others = webhooks.filter(({ options }) => options.messageStream === stream);
  if (others.length >= MAX_PER_STREAM) throw new ApiError(1359);
}
