/** What a text in a search box means: an id, or a part of a name, URL, event type or payload. */
import { z } from 'zod';
import { isId } from '../../contract/ids.js';
import { contracts } from '../../providers/registry.js';
import { invalidField } from '../../http/problem.js';
import { line } from '../schemas.js';

/** Minimum length of a text that is no id. */
const MIN_TEXT = 3;
const MAX_TEXT = 200;

/** The parameter `q`. */
export const searchText = line(MAX_TEXT).trim();

export interface SearchQuery {
  readonly deliveryId?: string;
  readonly subscriptionId?: string;
  readonly accountId?: string;
  /** Ids that the text stands for as an event's id or as a message id; the events may not exist. */
  readonly eventIds: readonly string[];
  /** What to search for; undefined for one of our own ids, which is in nothing else. */
  readonly text?: string;
}

/** Reads the text of a search. Throws a problem for a text that is too short. */
export function readSearchText(text: string): SearchQuery {
  if (isId('dlv', text)) return { deliveryId: text, eventIds: [] };
  if (isId('sub', text)) return { subscriptionId: text, eventIds: [] };
  if (isId('acc', text)) return { accountId: text, eventIds: [] };
  if (isId('evt', text)) return { eventIds: [text] };
  if (text.length < MIN_TEXT)
    throw invalidField('q', `must be an id, or have at least ${MIN_TEXT} characters to search for`);
  const eventIds = contracts.flatMap(({ messageIds }) => messageIds?.eventOf(text) ?? []);
  return { eventIds: [...new Set(eventIds)], text };
}

/** The host name of a URL or of a host with or without a port, as it is compared; a problem for anything else. */
export function readHost(text: string): string {
  const host = hostIn(text);
  if (host === undefined) throw invalidField('host', 'must be a host name, such as hooks.example.com, or a URL');
  return host;
}

/** The host name of a URL or of a host with or without a port; undefined for anything else. */
export function hostIn(text: string): string | undefined {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  return url?.hostname || undefined;
}

const STATUS = /^(?:([1-9])xx|([1-9]\d\d))$/;

/** A status such as `503`, or a class of statuses such as `5xx`. */
export const statusFilter = z
  .string()
  .regex(STATUS, 'must be a status such as 503, or a class of statuses such as 5xx')
  .describe('Status of the last response: one such as `503`, or a class such as `5xx`.');

/** The first and last status that a filter stands for. */
export function readStatus(text: string): { minStatus: number; maxStatus: number } {
  const [, hundreds, exact] = STATUS.exec(text) ?? [];
  if (exact !== undefined) return { minStatus: Number(exact), maxStatus: Number(exact) };
  return { minStatus: Number(hundreds) * 100, maxStatus: Number(hundreds) * 100 + 99 };
}

/** How far a search has read. */
export const searchedSchema = z
  .object({
    events: z.int().describe('How many of the newest events were read.'),
    since: z.iso.datetime({ offset: true }).nullable().describe('Only events since this time were read; null for all.'),
    complete: z.boolean().describe('Whether all events in the range of time were read.'),
  })
  .openapi('Searched');
