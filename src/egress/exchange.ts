/** Sends one request over one connection and reads its response. */
import { type Client, type Dispatcher } from 'undici';
import { type Deadline } from './deadline.js';
import { EgressFailure, exchangeFailure } from './failures.js';
import { type Hop } from './request.js';

export interface ReceivedResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly excerpt: string;
  readonly truncated: boolean;
}

/** Maximum number of interim responses (1xx); an honest receiver sends one or two (RFC 9110, section 15.2). */
const MAX_INTERIM_RESPONSES = 16;

/**
 * Sends a POST request and reads the response, at most `maxBytes` of its body. The connection is reusable only after a
 * complete response; otherwise the caller must close it. Rejects with an EgressFailure.
 */
export function exchange(client: Client, hop: Hop, maxBytes: number, deadline: Deadline): Promise<ReceivedResponse> {
  return new Promise((resolve, reject) => {
    const { signal } = deadline;
    const giveUp = (): void => reject(signal.reason as EgressFailure);
    if (signal.aborted) return giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    client.dispatch(
      {
        method: 'POST',
        path: hop.url.pathname + hop.url.search,
        headers: hop.headers.flatMap(({ name, value }) => [name, value]),
        body: hop.body,
      },
      new ResponseReader(maxBytes, deadline, {
        done: (response) => {
          signal.removeEventListener('abort', giveUp);
          resolve(response);
        },
        failed: (failure) => {
          signal.removeEventListener('abort', giveUp);
          reject(failure);
        },
      }),
    );
  });
}

/** Collects the response from undici. undici may report more after the result is known; the promise ignores that. */
class ResponseReader implements Dispatcher.DispatchHandler {
  readonly #chunks: Buffer[] = [];
  #received = 0;
  #interimResponses = 0;
  #status = 0;
  #headers: Record<string, string> = {};

  constructor(
    private readonly maxBytes: number,
    private readonly deadline: Deadline,
    private readonly result: { done(response: ReceivedResponse): void; failed(failure: EgressFailure): void },
  ) {}

  onRequestStart(): void {
    this.deadline.stage = 'response';
  }

  onResponseStart(_controller: unknown, status: number, headers: Record<string, string | string[] | undefined>): void {
    if (status < 200) {
      if (++this.#interimResponses > MAX_INTERIM_RESPONSES)
        this.#fail(`${this.deadline.host} sent more than ${MAX_INTERIM_RESPONSES} interim responses`);
      return;
    }
    this.deadline.stage = 'body';
    this.#status = status;
    this.#headers = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
    );
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    if (this.#received > this.maxBytes) return;
    this.#received += chunk.length;
    // A copy, because the parser's chunks are views into a buffer that may be much larger.
    this.#chunks.push(Buffer.from(chunk));
    if (this.#received > this.maxBytes) this.#finish();
  }

  onResponseEnd(): void {
    this.#finish();
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.result.failed(exchangeFailure(error, this.deadline.host));
  }

  #finish(): void {
    const truncated = this.#received > this.maxBytes;
    const excerpt = decode(Buffer.concat(this.#chunks).subarray(0, this.maxBytes), truncated);
    this.result.done({ status: this.#status, headers: this.#headers, excerpt, truncated });
  }

  #fail(message: string): void {
    this.result.failed(new EgressFailure('invalid_response', message));
  }
}

/** Decodes bytes to text that PostgreSQL accepts: without NUL and without an incomplete last character. */
function decode(bytes: Buffer, cut: boolean): string {
  return new TextDecoder().decode(bytes, { stream: cut }).replaceAll('\0', '');
}
