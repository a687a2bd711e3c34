/**
 * Corrects heads of responses that break HTTP in ways that other senders take, before undici's parser, which is strict and
 * has no public setting, reads them:
 *
 * - `100 Continue` although none was asked for, which a client must be able to read (RFC 9110, section 15.2.1);
 * - several `Content-Length` headers with the same value, which may be read as one (RFC 9110, section 8.6);
 * - lines that end with LF alone, which may be recognised as ends of lines (RFC 9112, section 2.2);
 * - a 204 or 304 with a body or its length, which is none (RFC 9112, section 6.3).
 *
 * Where two readers of one connection can disagree on the end of a response, a receiver, or who controls what a proxy
 * before it returns, could have a part of it taken for the response to the next request. So the connection of a response
 * that was corrected is used for that response only, and what follows a response without a body is dropped. Lengths that
 * differ, and a length together with chunks, stay invalid.
 */
import type { Socket } from 'node:net';

/** Longer heads are passed on as they are; undici refuses them. */
const MAX_HEAD_BYTES = 32 * 1_024;

const PROTOCOL = 'HTTP/1.';
const END_OF_HEAD = /\r?\n\r?\n/;
const BARE_LF = /(?<!\r)\n/g;
const STATUS = /^HTTP\/1\.\d (\d{3})/;
const LENGTHS = /\r\ncontent-length:[ \t]*([^\r\n]*?)[ \t]*(?=\r\n)/gi;
const CHUNKED = /\r\ntransfer-encoding:[^\r\n]*(?=\r\n)/gi;

export class ResponseHeads {
  /** Whether bytes are part of a head, or come after a response that has no body. */
  #part: 'head' | 'rest' | 'surplus' = 'rest';
  #held: Buffer = Buffer.alloc(0);
  #corrected = false;

  /** Whether the last response was corrected in a way that leaves its end open to other readings. */
  get corrected(): boolean {
    return this.#corrected;
  }

  /** A request is sent: what follows is the head of its response. */
  expect(): void {
    this.#part = 'head';
    this.#held = Buffer.alloc(0);
    this.#corrected = false;
  }

  /** Makes what is read from the socket pass through here. */
  watch(socket: Socket): void {
    const read = socket.read.bind(socket);
    socket.read = (size?: number): Buffer | null => {
      for (;;) {
        const chunk = read(size) as Buffer | null;
        if (chunk === null) return null;
        const corrected = this.correct(chunk);
        if (corrected.length > 0) return corrected;
      }
    };
  }

  /** The bytes for the parser; none while a head is incomplete. */
  correct(chunk: Buffer): Buffer {
    if (this.#part === 'rest') return chunk;
    if (this.#part === 'surplus') {
      this.#corrected ||= chunk.length > 0;
      return Buffer.alloc(0);
    }
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const text = bytes.toString('latin1', 0, MAX_HEAD_BYTES);
    const end = END_OF_HEAD.exec(text);
    const isHttp = text.startsWith(PROTOCOL) || PROTOCOL.startsWith(text);
    if (!isHttp || (!end && bytes.length >= MAX_HEAD_BYTES)) {
      this.#part = 'rest';
      return bytes;
    }
    if (!end) {
      this.#held = bytes;
      return Buffer.alloc(0);
    }
    this.#held = Buffer.alloc(0);
    const length = end.index + end[0].length;
    const head = this.#correctHead(text.slice(0, length));
    // Most heads stay as they are, and what follows them is their body: then nothing is copied.
    if (head === undefined && this.#readsBody()) return bytes;
    return Buffer.concat([
      head === undefined ? bytes.subarray(0, length) : Buffer.from(head, 'latin1'),
      this.correct(bytes.subarray(length)),
    ]);
  }

  #readsBody(): boolean {
    return this.#part === 'rest';
  }

  /** The corrected head; undefined when it stays as it is. */
  #correctHead(given: string): string | undefined {
    const status = Number(STATUS.exec(given)?.[1]);
    // Undici takes any interim response but this one; 102 means as little.
    if (status === 100) return given.replace(/^(HTTP\/1\.\d) 100/, '$1 102').replace(BARE_LF, '\r\n');
    const isInterim = status > 100 && status < 200 && status !== 101;
    let head = given.replace(BARE_LF, '\r\n');
    if (!isInterim) {
      const isWithoutBody = status === 204 || status === 304;
      this.#part = isWithoutBody ? 'surplus' : 'rest';
      head = isWithoutBody ? head.replace(LENGTHS, '').replace(CHUNKED, '') : withOneLength(head);
    }
    if (head === given) return undefined;
    this.#corrected = true;
    return head;
  }
}

/** The head with one of several equal lengths. */
function withOneLength(head: string): string {
  const lengths = [...head.matchAll(LENGTHS)].map(([, value]) => value);
  if (lengths.length < 2 || lengths.some((value) => value !== lengths[0])) return head;
  let seen = 0;
  return head.replace(LENGTHS, (line) => (seen++ === 0 ? line : ''));
}
