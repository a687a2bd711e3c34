/** Requests to the API with one key. */
import { Agent, type Dispatcher } from 'undici';

/** How long a response may take, in milliseconds; the attack goes on without it. */
const TIME_LIMIT_MS = 30_000;
/** Responses of an attack are read in full, but not kept beyond this. */
const MAX_KEPT_BYTES = 64 * 1_024;

type Method = 'GET' | 'POST' | 'PATCH';

export interface Reply {
  readonly status: number;
  readonly text: string;
}

export interface Api {
  /** `body` is sent as JSON, or as it is where it is a text. */
  request(method: Method, path: string, body?: unknown, key?: string): Promise<Reply>;
  /** Opens a response without reading it to its end, and returns its status. It stays open until `close`. */
  open(path: string): Promise<number>;
  close(): Promise<void>;
}

/** `localAddress` is the address to connect from: limits by address must not meet anyone else. */
export function createApi(url: string, key: string, localAddress?: string): Api {
  const dispatcher = new Agent({
    headersTimeout: TIME_LIMIT_MS,
    bodyTimeout: 0,
    ...(localAddress === undefined ? {} : { connect: { localAddress } }),
  });
  const send = (method: Method, path: string, body: unknown, asKey: string): Promise<Dispatcher.ResponseData> =>
    dispatcher.request({
      origin: url,
      method,
      path,
      headers: { authorization: `Bearer ${asKey}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  return {
    async request(method, path, body, asKey = key) {
      const response = await send(method, path, body, asKey);
      let text = '';
      for await (const chunk of response.body) if (text.length < MAX_KEPT_BYTES) text += String(chunk);
      return { status: response.statusCode, text };
    },
    async open(path) {
      const { statusCode, body } = await send('GET', path, undefined, key);
      body.on('error', () => undefined).resume();
      return statusCode;
    },
    close: () => dispatcher.destroy(),
  };
}

/** The body of a response that has to be a success. */
export async function created<T>(reply: Promise<Reply>): Promise<T> {
  const { status, text } = await reply;
  if (status >= 300) throw new Error(`the API responded ${status}: ${text.slice(0, 500)}`);
  return JSON.parse(text) as T;
}
