/**
 * From the body of a request to the fields that the registrar takes. Fields that Postmark does not know are ignored,
 * unknown triggers aside, as a webhook with a misspelt one would get nothing, and null is the same as nothing: "any parameters passed with NULL will be ignored" (the vendor's PHP client, which
 * like its .NET client sends null for whatever is not given).
 */
import { z } from 'zod';
import type { SubscriptionBody } from '../registration.js';
import { ApiError } from './errors.js';
import type { Era } from './eras.js';
import { INBOUND } from './streams.js';
import { isTrigger, triggers } from './triggers.js';
import type { Webhook } from './webhook.js';

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

/** A request's body with its fields checked for their types. */
export type Given = z.infer<typeof fields> & Partial<z.infer<typeof fieldsSince2026>>;

/** Reads the body of a new webhook. */
export function readNew(body: unknown, era: Era): Given {
  const given = read(body, era);
  if (given.ID != null) throw new ApiError(1356);
  if (given.Url == null) throw new ApiError(1354);
  return given;
}

/** Reads the body of an edit. What cannot be changed may be given as it is, for programs that send all they have read. */
export function readEdit(body: unknown, era: Era, { reference, options }: Webhook): Given {
  const given = read(body, era);
  const changesId = given.ID != null && given.ID !== Number(reference);
  const changesStream = given.MessageStream != null && given.MessageStream !== options.messageStream;
  if (changesId || changesStream) throw new ApiError(1357);
  return given;
}

function read(body: unknown, era: Era): Given {
  if (body === undefined || body === null) throw new ApiError(1355);
  if (typeof body !== 'object' || Array.isArray(body)) throw new ApiError(403, 'The body must be a JSON object.');
  const result = (era === '2026' ? fieldsSince2026 : fields).safeParse(body);
  if (!result.success) throw wrongField(result.error.issues[0]!);
  const given: Given = result.data;
  if (given.Status != null)
    throw new ApiError(['verified', 'unverified'].includes(given.Status as string) ? 1363 : 1362);
  const unknown = Object.entries(given.Triggers ?? {}).find(([name, value]) => value != null && !isTriggerName(name));
  if (unknown) {
    throw new ApiError(1361, `'Triggers' has no '${unknown[0].slice(0, 100)}'; its names are ${triggers.join(', ')}.`);
  }
  if (isEnabled(given.Triggers?.Inbound)) throw new ApiError(1353, "'Inbound' is set on the server.");
  return given;
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

/** The fields that a request sets, as `/v1` calls them; `previous` is the webhook that it edits. */
export function toFields(given: Given, previous?: Webhook): SubscriptionBody {
  const { Url: url, HttpHeaders: headers, Triggers: wanted } = given;
  return {
    ...(url == null ? {} : { url }),
    ...httpAuth(given, previous),
    ...(headers == null ? {} : { headers: toRecord(headers) }),
    eventTypes: triggers.filter((name) => wanted?.[name]?.Enabled ?? previous?.eventTypes.includes(name) ?? false),
    postFirstOpenOnly: wanted?.Open?.PostFirstOpenOnly ?? undefined,
    includeContent: {
      bounce: wanted?.Bounce?.IncludeContent ?? undefined,
      spamComplaint: wanted?.SpamComplaint?.IncludeContent ?? undefined,
    },
  };
}

/** An empty object removes credentials, as null cannot; those of an address change with it. */
function httpAuth({ Url: url, HttpAuth: given }: Given, previous: Webhook | undefined): SubscriptionBody {
  const { Username: username, Password: password } = given ?? {};
  if (given && (username || password)) {
    if (username == null || password == null) throw new ApiError(1361, "'HttpAuth' needs both Username and Password.");
    return { httpAuth: { username, password } };
  }
  const fromAddress = url == null ? previous?.secrets.userinfo !== undefined : hasCredentials(url);
  const goesWithAddress = url != null && previous?.secrets.userinfo !== undefined;
  return !fromAddress && (given || goesWithAddress) ? { httpAuth: null } : {};
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
