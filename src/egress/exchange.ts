/** One request and its answer over one connection. */
import { type Client, type Dispatcher } from 'undici';
import { type Deadline } from './deadline.js';
import { EgressFailure, exchangeFailure } from './failures.js';
import { type Hop } from './request.js';

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly excerpt: string;
  readonly truncated: boolean;
}

/** How many interim answers (1xx) may precede the answer; an honest receiver sends one or two (RFC 9110, section 15.2). */
const MAX_INTERIM_RESPONSES = 16;

/**
 * Sends a request by POST and reads the answer: whole, or as much of it as `maxBytes` of its body. The connection can be
 * used again only after a whole answer; it is for the caller to close it otherwise. Rejects with an EgressFailure.
 */
export function exchange(client: Client, hop: Hop, maxBytes: number, deadline: Deadline): Promise<Answer> {
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

/** Collects what undici reports. It may go on reporting after the result is known; a promise ignores that. */
class ResponseReader implements Dispatcher.DispatchHandler {
  readonly #chunks: Buffer[] = [];
  #received = 0;
  #interimAnswers = 0;
  #status = 0;
  #headers: Record<string, string> = {};

  constructor(
    private readonly maxBytes: number,
    private readonly deadline: Deadline,
    private readonly result: { done(response: Answer): void; failed(failure: EgressFailure): void },
  ) {}

  onRequestStart(): void {
    this.deadline.stage = 'response';
  }

  onResponseStart(_controller: unknown, status: number, headers: Record<string, string | string[] | undefined>): void {
    if (status < 200) {
      if (++this.#interimAnswers > MAX_INTERIM_RESPONSES)
        this.#fail(`${this.deadline.host} sends no end of interim answers`);
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
    // A copy, as the parser hands out views into a buffer that may be much larger.
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

/** Any bytes as text that a database takes: no NUL, and of a character that was cut in two nothing. */
function decode(bytes: Buffer, cut: boolean): string {
  return new TextDecoder().decode(bytes, { stream: cut }).replaceAll('\0', '');
}
