/** A client of Pigeonpost's API, typed by its OpenAPI document. */
import createFetchClient, { type Client } from 'openapi-fetch';
import type { paths } from './generated.js';
import { ApiError, Unreachable, type Problem } from './errors.js';

/** `client.GET('/v1/deliveries/{id}', { params: { path: { id } } })`: paths, parameters, bodies and responses are typed. */
export type PigeonpostClient = Client<paths>;

export interface ClientOptions {
  /** Where the API is, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** The key; absent in a browser that has a session. */
  readonly key?: string;
  /** The program that uses the client, as User-Agent; browsers send their own. */
  readonly userAgent?: string;
  /** What requests are made with; the global `fetch` when absent. */
  readonly fetch?: typeof fetch;
}

/** A client that throws Unreachable where the API does not respond. Its responses are read with {@link unwrap}. */
export function createClient({ url, key, userAgent, fetch: send = fetch }: ClientOptions): PigeonpostClient {
  const client = createFetchClient<paths>({
    baseUrl: url.replace(/\/+$/, ''),
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(userAgent === undefined ? {} : { 'user-agent': userAgent }),
    },
    fetch: (request) => send(request),
  });
  client.use({ onError: ({ error }) => new Unreachable(url, error) });
  return client;
}

/** What a request comes back with. */
interface Exchange<Data> {
  readonly data?: Data;
  readonly error?: unknown;
  readonly response: Response;
}

/** The body of a success. Throws ApiError for any other response. */
export async function unwrap<Data>(request: Promise<Exchange<Data>>): Promise<Data> {
  const { data, error, response } = await request;
  if (response.ok) return data as Data;
  throw new ApiError(response.status, asProblem(error), Number(response.headers.get('retry-after')) || undefined);
}

/** Every item of a list that comes in pages, page by page. `load` gets the cursor of the page, none for the first. */
export async function* paginate<Item>(
  load: (cursor: string | undefined) => Promise<{ data: Item[]; nextCursor: string | null }>,
): AsyncGenerator<Item> {
  let cursor: string | undefined;
  do {
    const page = await load(cursor);
    yield* page.data;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

function asProblem(body: unknown): Problem | undefined {
  return typeof body === 'object' && body !== null && 'code' in body && 'detail' in body
    ? (body as Problem)
    : undefined;
}
