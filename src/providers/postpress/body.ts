/**
 * Bodies: the platform's data with the names of event and webhook added, then filtered and renamed by the webhook's
 * field mapping, then written as JSON or as a form. Values remain slices of the original text.
 */
import { jsonMember, jsonMembers, jsonObject, type JsonMember } from '../../contract/json.js';
import type { Event } from '../../contract/entities.js';
import { sourceOf } from './events.js';
import { FILLED_IN_BEHIND } from './sources.js';

/** One entry of a field mapping: the body's property `name` has the value of the payload's field `key`. */
export interface Mapping {
  readonly name: string;
  readonly key: string;
}

/** Body options of a subscription. */
export interface BodyOptions {
  readonly format: 'json' | 'form';
  /** When empty, the whole payload is sent. */
  readonly data: readonly Mapping[];
  /** Sent as `webhook_name`. */
  readonly name: string | null;
}

/** Wraps the payload of account_status events. */
const WRAPPER = 'AccountStatus';

/** The body of an event for a subscription. */
export function renderBody(event: Pick<Event, 'type' | 'text'>, options: BodyOptions): string {
  const payload = pick(payloadOf(event, options.name), options.data);
  return options.format === 'form' ? formBody(payload) : jsonObject(payload);
}

function payloadOf({ type, text }: Pick<Event, 'type' | 'text'>, name: string | null): JsonMember[] {
  const source = sourceOf(type);
  if (source === undefined) throw new Error(`no source has event type ${type}`);
  const members = jsonMembers(text);
  if (source === 'account_status') return accountStatus(members, text, type);
  const behind = FILLED_IN_BEHIND[source];
  const withEvent = fillIn(members, jsonMember('event', type), behind.event);
  return name === null ? withEvent : fillIn(withEvent, jsonMember('webhook_name', name), behind.name);
}

/** The status is the event type in upper case; already wrapped data keeps the members beside the wrapper. */
function accountStatus(members: readonly JsonMember[], text: string, type: string): JsonMember[] {
  const wrapped = members.some(isWrapper) ? members : [{ key: WRAPPER, value: text }];
  const message = jsonMember('message', type.toUpperCase());
  return wrapped.map((member) => {
    if (!isWrapper(member)) return member;
    const status = jsonMembers(member.value);
    return { ...member, value: jsonObject(fillIn(status, message, keysOf(status))) };
  });
}

/** Replaces a member in its position, or inserts it after the last of the members named by `behind`. */
function fillIn(members: readonly JsonMember[], filled: JsonMember, behind: readonly string[]): JsonMember[] {
  const own = members.findIndex(({ key }) => key === filled.key);
  const others = members.filter(({ key }) => key !== filled.key);
  const at = own === -1 ? others.findLastIndex(({ key }) => behind.includes(key)) + 1 : own;
  return others.toSpliced(at, 0, filled);
}

/** The mapped members in the order of the mapping; fields missing in the payload are omitted. */
function pick(members: JsonMember[], mappings: readonly Mapping[]): JsonMember[] {
  if (mappings.length === 0) return members;
  return mappings.flatMap(({ name, key }) => {
    const member = members.findLast((candidate) => candidate.key === key);
    return member ? [{ key: name, value: member.value }] : [];
  });
}

/** Strings are encoded directly, all other values as JSON text. */
function formBody(members: readonly JsonMember[]): string {
  const form = new URLSearchParams();
  for (const { key, value } of members) {
    form.append(key, value.startsWith('"') ? (JSON.parse(value) as string) : value);
  }
  return form.toString();
}

function isWrapper({ key, value }: JsonMember): boolean {
  return key === WRAPPER && value.startsWith('{');
}

function keysOf(members: readonly JsonMember[]): string[] {
  return members.map(({ key }) => key);
}
