/** MessageIn: svix-server, src/v1/endpoints/message.rs, and for newer fields codegen/lib-openapi.json. */
import { z } from 'zod';
import { jsonMembers, minifyJson } from '../../../contract/json.js';
import { check } from '../../../http/check.js';
import type { EmittedInput } from '../../messaging.js';
import { EVENT_TYPE } from '../events.js';
import { applicationIn } from './applications.js';
import { unreadableBody, validationError } from './errors.js';
import { readObject } from './input.js';
import { TAG } from './paging.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

export const eventType = z.string().regex(EVENT_TYPE, 'must be 1 to 256 letters, digits, -, _ and .');

export const channels = z
  .array(z.string().regex(/^[a-zA-Z0-9\-_.:+]{1,128}$/))
  .min(1, 'Channels must have at least 1 item, or be set to null.')
  .max(10);

const messageIn = z.object({
  eventId: z
    .string()
    .regex(/^(?!msg_)[a-zA-Z0-9\-_.]{1,256}$/, 'must be 1 to 256 letters, digits, -, _ and ., not beginning with msg_')
    .nullish(),
  eventType,
  channels: channels.nullish(),
  tags: z.array(z.string().regex(TAG)).max(5).nullish(),
  deliverAt: z.iso.datetime({ offset: true }).nullish(),
  payloadRetentionPeriod: z.int().min(1).max(90).nullish(),
  payloadRetentionHours: z.int().min(1).max(2_160).nullish(),
  application: applicationIn.nullish(),
  transformationsParams: z
    .object({
      rawPayload: z.string().nullish(),
      headers: z.record(z.string(), z.string()).nullish(),
    })
    .nullish(),
});
type MessageIn = z.output<typeof messageIn>;

export interface GivenMessage {
  readonly event: EmittedInput;
  readonly application: MessageIn['application'];
}

/**
 * Reads a message. Its payload, which `data` may be called as well, is the exact text of the body. Throws a problem or a
 * SvixError that names the wrong field.
 */
export function readMessage(body: unknown, bodyText: string, now: Date): GivenMessage {
  const { payload, data, ...rest } = readObject(body);
  const input = check(messageIn, rest);
  const name = payload == null ? 'data' : 'payload';
  const given = payload ?? data;
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw validationError(['body', 'payload'], 'Payload must be an object.');
  const member = jsonMembers(bodyText).findLast(({ key }) => key === name);
  if (!member) throw unreadableBody('expected a JSON object');
  const { text, data: parsed } = rawPayload(input) ?? { text: minifyJson(member.value), data: given };
  const deliverAt = input.deliverAt == null ? null : new Date(input.deliverAt);
  checkDeliverAt(deliverAt, now);
  return {
    event: {
      type: input.eventType,
      text,
      data: parsed,
      channels: [...new Set(input.channels ?? [])],
      ...(deliverAt ? { timing: { deliverAt } } : {}),
      details: {
        uid: input.eventId ?? null,
        tags: input.tags ? [...new Set(input.tags)] : null,
        verbatim: true,
        deliverAt,
        contentUntil: contentUntil(input, now),
      },
    },
    application: input.application,
  };
}

/** The body that `messageInRaw` of the clients gives; only JSON is supported. */
function rawPayload({ transformationsParams }: MessageIn): { text: string; data: unknown } | undefined {
  const raw = transformationsParams?.rawPayload;
  if (raw == null) return undefined;
  const path = ['body', 'transformationsParams'];
  const type = Object.entries(transformationsParams?.headers ?? {}).find(
    ([key]) => key.toLowerCase() === 'content-type',
  );
  if (type && !/^application\/json *(;|$)/i.test(type[1]))
    throw validationError([...path, 'headers', type[0]], 'must be application/json; other content is not supported');
  try {
    return { text: raw, data: JSON.parse(raw) as unknown };
  } catch {
    throw validationError([...path, 'rawPayload'], 'must be JSON; other content is not supported');
  }
}

/** codegen/lib-openapi.json: at least one minute and at most 24 hours ahead. */
function checkDeliverAt(deliverAt: Date | null, now: Date): void {
  if (!deliverAt) return;
  const ahead = deliverAt.getTime() - now.getTime();
  if (ahead < MINUTE_MS || ahead > DAY_MS)
    throw validationError(['body', 'deliverAt'], 'must be at least one minute and at most 24 hours in the future');
}

/** When the payload is erased; null for as late as the installation does. */
function contentUntil(
  { payloadRetentionPeriod: days, payloadRetentionHours: hours }: MessageIn,
  now: Date,
): Date | null {
  if (days != null && hours != null)
    throw validationError(['body', 'payloadRetentionHours'], 'cannot be combined with payloadRetentionPeriod');
  if (days == null && hours == null) return null;
  return new Date(now.getTime() + (days == null ? (hours ?? 0) * HOUR_MS : days * DAY_MS));
}
