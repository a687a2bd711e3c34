/**
 * Converts request bodies to the fields of the registrar. Unknown fields are ignored, except unknown triggers: a
 * webhook with a misspelt trigger would receive nothing. Null counts as absent: "any parameters passed with NULL will
 * be ignored" (the vendor's PHP client, which like its .NET client sends null for every unset field).
 */
import { z } from 'zod';
import type { SubscriptionBody } from '../../registration.js';
import type { Era } from '../eras.js';
import { isTrigger, triggers } from '../events.js';
import { INBOUND } from '../streams.js';
import { ApiError } from './errors.js';
import type { Webhook } from './output.js';

const flag = z.boolean().nullish();
const trigger = z.object({ Enabled: flag }).nullish();
const contentTrigger = z.object({ Enabled: flag, IncludeContent: flag }).nullish();

const fields = z.object({
  ID: z.unknown().optional(),
  Url: z.string().nullish(),
  MessageStream: z.string().nullish(),
  HttpAuth: z.object({ Username: z.string().nullish(), Password: z.string().nullish() }).nullish(),
  HttpHeaders: z.array(z.object({ Name: z.string().min(1), Value: z.string() })).nullish(),
  Triggers: z
    .looseObject({
      Open: z.object({ Enabled: flag, PostFirstOpenOnly: flag }).nullish(),
      Click: trigger,
      Delivery: trigger,
      Bounce: contentTrigger,
      SpamComplaint: contentTrigger,
      SubscriptionChange: trigger,
      Inbound: z.unknown().optional(),
    })
    .nullish(),
});
const fieldsSince2026 = fields.extend({ Verify: flag, Status: z.unknown().optional() });

/** A request body whose field types are validated. */
export type RequestBody = z.infer<typeof fields> & Partial<z.infer<typeof fieldsSince2026>>;

/** Parses the body of a new webhook. */
export function readNew(body: unknown, era: Era): RequestBody {
  const input = read(body, era);
  if (input.ID != null) throw new ApiError(1356);
  if (input.Url == null) throw new ApiError(1354);
  return input;
}

/** Parses the body of an edit. Immutable fields may be sent unchanged, because some programs send all fields. */
export function readEdit(body: unknown, era: Era, { reference, options }: Webhook): RequestBody {
  const input = read(body, era);
  const changesId = input.ID != null && input.ID !== Number(reference);
  const changesStream = input.MessageStream != null && input.MessageStream !== options.messageStream;
  if (changesId || changesStream) throw new ApiError(1357);
  return input;
}

function read(body: unknown, era: Era): RequestBody {
  if (body === undefined || body === null) throw new ApiError(1355);
  if (typeof body !== 'object' || Array.isArray(body)) throw new ApiError(403, 'The body must be a JSON object.');
  const result = (era === '2026' ? fieldsSince2026 : fields).safeParse(body);
  if (!result.success) throw wrongField(result.error.issues[0]!);
  const input: RequestBody = result.data;
  if (input.Status != null)
    throw new ApiError(['verified', 'unverified'].includes(input.Status as string) ? 1363 : 1362);
  const unknown = Object.entries(input.Triggers ?? {}).find(([name, value]) => value != null && !isTriggerName(name));
  if (unknown) {
    throw new ApiError(1361, `'Triggers' has no '${unknown[0].slice(0, 100)}'; its names are ${triggers.join(', ')}.`);
  }
  if (isEnabled(input.Triggers?.Inbound)) throw new ApiError(1353, "'Inbound' is set on the server.");
  return input;
}

function wrongField({ path, message }: { path: readonly PropertyKey[]; message: string }): ApiError {
  const name = path.map(String).join('.');
  const detail = `'${name}': ${message}.`;
  if (path[0] === 'Url') return new ApiError(1354, detail);
  return new ApiError(path[0] === 'HttpHeaders' && path.at(-1) === 'Name' ? 1358 : 1361, detail);
}

function isTriggerName(name: string): boolean {
  return isTrigger(name) || name === INBOUND;
}

function isEnabled(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'Enabled' in value && value.Enabled === true;
}

/** The `/v1` fields that a request sets; `previous` is the webhook before the edit. */
export function toFields(input: RequestBody, previous?: Webhook): SubscriptionBody {
  const { Url: url, HttpHeaders: headers, Triggers: wanted } = input;
  return {
    ...(url == null ? {} : { url }),
    ...httpAuth(input, previous),
    ...(headers == null ? {} : { headers: toRecord(headers) }),
    eventTypes: triggers.filter((name) => wanted?.[name]?.Enabled ?? previous?.eventTypes.includes(name) ?? false),
    postFirstOpenOnly: wanted?.Open?.PostFirstOpenOnly ?? undefined,
    includeContent: {
      bounce: wanted?.Bounce?.IncludeContent ?? undefined,
      spamComplaint: wanted?.SpamComplaint?.IncludeContent ?? undefined,
    },
  };
}

/** An empty object removes credentials, because null cannot; credentials of a URL are replaced with the URL. */
function httpAuth({ Url: url, HttpAuth: input }: RequestBody, previous: Webhook | undefined): SubscriptionBody {
  const { Username: username, Password: password } = input ?? {};
  if (input && (username || password)) {
    if (username == null || password == null) throw new ApiError(1361, "'HttpAuth' needs both Username and Password.");
    return { httpAuth: { username, password } };
  }
  const fromAddress = url == null ? previous?.secrets.userinfo !== undefined : hasCredentials(url);
  const goesWithAddress = url != null && previous?.secrets.userinfo !== undefined;
  return !fromAddress && (input || goesWithAddress) ? { httpAuth: null } : {};
}

function hasCredentials(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
}

function toRecord(headers: readonly { Name: string; Value: string }[]): Record<string, string> {
  const record = new Map<string, string>();
  for (const { Name: name, Value: value } of headers) {
    if (record.has(name) || name === '__proto__') throw new ApiError(1358, `'${name}' is given twice or reserved.`);
    record.set(name, value);
  }
  return Object.fromEntries(record);
}
