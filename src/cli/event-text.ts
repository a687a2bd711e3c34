/**
 * Reading events for the API from text. Payloads reach receivers as they are written, so nothing here parses and
 * writes them again: requests are put together from slices of the text.
 */
import { jsonElements, jsonMember, jsonMembers, jsonObject, type JsonMember } from '../contract/json.js';
import { OperatorError } from '../lib/errors.js';

/** The most events that the API takes at once. */
const BATCH = 1_000;

/** What the command line says about a single event. */
export interface EventFields {
  readonly type?: string;
  readonly occurredAt?: string;
  readonly channels?: readonly string[];
  readonly subscriptionId?: string;
}

/** The body of the request for an event with this payload. Throws an OperatorError when the text is no JSON. */
export function singleEvent(text: string, { type, occurredAt, channels, subscriptionId }: EventFields): string {
  parse(text, 'The payload');
  const members: JsonMember[] = [jsonMember('type', type), { key: 'data', value: text.trim() }];
  if (occurredAt !== undefined) members.push(jsonMember('occurredAt', occurredAt));
  if (channels !== undefined) members.push(jsonMember('channels', channels));
  if (subscriptionId !== undefined) members.push(jsonMember('subscriptionId', subscriptionId));
  return jsonObject(members);
}

/**
 * The bodies of the requests for whole events, each with its type: one object, a list of them, `{"events": […]}`, or
 * one object per line. Throws an OperatorError when the text is none of these.
 */
export function wholeEvents(text: string): string[] {
  const events = eventsIn(text);
  if (events === undefined) return [text.trim()];
  const bodies: string[] = [];
  for (let at = 0; at < events.length; at += BATCH)
    bodies.push(jsonObject([{ key: 'events', value: `[${events.slice(at, at + BATCH).join(',')}]` }]));
  return bodies;
}

/** The text of each event of several; undefined for a single one. */
function eventsIn(text: string): string[] | undefined {
  if (!isJson(text)) return lines(text);
  const value: unknown = JSON.parse(text);
  if (Array.isArray(value)) return jsonElements(text);
  if (typeof value !== 'object' || value === null)
    throw new OperatorError('This is no event.', 'Write an object with type and data, or a list of such objects.');
  const list = jsonMembers(text).findLast(({ key }) => key === 'events');
  return list && Array.isArray(JSON.parse(list.value)) ? jsonElements(list.value) : undefined;
}

function lines(text: string): string[] {
  const events = text.split('\n').filter((line) => line.trim() !== '');
  // Of text that is one document gone wrong, what the parser says about the whole is of more use.
  if (events.length < 2 || !isJson(events[0]!)) parse(text, 'The text');
  for (const [index, event] of events.entries()) parse(event, `Line ${index + 1}`);
  return events;
}

function parse(text: string, what: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new OperatorError(`${what} is no JSON: ${(error as Error).message}.`, undefined, { cause: error });
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
