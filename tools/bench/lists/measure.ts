/** How long the API takes to respond with a list. */
import { nowMs } from '../clock.js';
import type { ListRequest } from './requests.js';

/** Requests of each list, one after the other. */
const TIMES = 7;
/** What a list may take, in milliseconds. */
export const LIMIT_MS = 300;

export interface Caller {
  readonly url: string;
  readonly key: string;
}

export interface Measured {
  readonly request: ListRequest;
  /** Milliseconds until the whole response was there: of the first request, the median, and the slowest of all. */
  readonly firstMs: number;
  readonly medianMs: number;
  readonly slowestMs: number;
  /** Items of the response where it is a page. */
  readonly items: number | undefined;
}

/** Requests a list several times. */
export async function measure(caller: Caller, request: ListRequest): Promise<Measured> {
  const took: number[] = [];
  let items: number | undefined;
  for (let time = 0; time < TIMES; time += 1) {
    const startedMs = nowMs();
    const body = (await get(caller, pathOf(request))) as { readonly data?: readonly unknown[] };
    took.push(nowMs() - startedMs);
    items = body.data?.length;
  }
  const sorted = [...took].sort((one, other) => one - other);
  return {
    request,
    firstMs: took[0]!,
    medianMs: sorted[Math.floor(TIMES / 2)]!,
    slowestMs: sorted.at(-1)!,
    items,
  };
}

/** The JSON of a GET. Throws for any other status than 200. */
export async function get({ url, key }: Caller, path: string): Promise<unknown> {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${key}` } });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`GET ${path} got a ${response.status}: ${text}`);
  return JSON.parse(text) as unknown;
}

/** The JSON of a POST. Throws for a status of 300 or more. */
export async function post({ url, key }: Caller, path: string, body: unknown): Promise<Record<string, string>> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${path} got a ${response.status}: ${text}`);
  return JSON.parse(text) as Record<string, string>;
}

/** The path with its parameters and query. */
export function pathOf({ path, params = {}, query = {} }: ListRequest): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name]!));
  const search = new URLSearchParams(query).toString();
  return search === '' ? filled : `${filled}?${search}`;
}

interface Document {
  readonly paths: Readonly<
    Record<string, { readonly get?: { readonly parameters?: readonly { readonly name: string }[] } }>
  >;
}

/** Reading messages changes the position of their reader, and no subscription here is polled. */
const NOT_MEASURED = new Set(['/v1/subscriptions/{id}/poll']);

/** The lists with pages that are in the API's OpenAPI document and not among the requests. */
export async function missingLists(caller: Caller, requests: readonly ListRequest[]): Promise<string[]> {
  const { paths } = (await get(caller, '/openapi.json')) as Document;
  const measured = new Set(requests.map(({ path }) => path));
  return Object.entries(paths).flatMap(([path, { get: operation }]) => {
    const isPaged = operation?.parameters?.some(({ name }) => name === 'cursor') ?? false;
    return isPaged && !measured.has(path) && !NOT_MEASURED.has(path) ? [path] : [];
  });
}
