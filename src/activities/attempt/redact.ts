/** Removes secrets from what is stored of an attempt: a receiver may repeat the headers that it was sent. */
import type { DeliveryRequest } from '../../contract/types.js';
import type { Exchange } from '../../egress/types.js';

/** Shorter values occur in any text by chance. */
const MIN_LENGTH = 6;
/** User and password of a URL. */
const USERINFO = /(?<=\/\/)[^\s/?#@"'<>]+(?=@)/g;

/** Replaces every run of characters that belong to a secret. */
export const MASK = '***';

/** Maximum characters of all secrets together; far above the size of headers that receivers accept. */
export const MAX_SECRET_CHARS = 64 * 1024;

/** Masks the secret headers of the request everywhere in the exchange, and removes credentials from URLs. */
export function redactExchange(exchange: Exchange, { headers }: Pick<DeliveryRequest, 'headers'>): Exchange {
  if (exchange.kind === 'failure') return { ...exchange, message: redactMessage(exchange.message, headers) };
  const mask = maskFor(headers);
  const entries = Object.entries(exchange.headers).map(([name, value]) => [name, mask(value)]);
  return {
    ...exchange,
    headers: Object.fromEntries(entries) as Record<string, string>,
    excerpt: mask(exchange.excerpt),
  };
}

/** Masks header values and credentials of URLs in a message. */
export function redactMessage(message: string, headers: DeliveryRequest['headers'] = []): string {
  return maskFor(headers)(message).replace(USERINFO, MASK);
}

/** Returns a function that masks the secret headers of a request in any text. */
function maskFor(headers: DeliveryRequest['headers']): (text: string) => string {
  const values = headers.filter(({ secret }) => secret).map(({ value }) => value);
  // Checked before they are split, as splitting costs as much as searching.
  return areTooLong(values) ? maskAll : createSecretMask(secretsOf(values));
}

/** The values of secret headers, their parts, and the password of Basic credentials. */
function secretsOf(headerValues: readonly string[]): string[] {
  const values = headerValues.flatMap((value) => [value, ...value.split(/\s+/)]);
  const passwords = headerValues
    .flatMap((value) => /^Basic (\S+)$/i.exec(value)?.[1] ?? [])
    .map((credentials) =>
      Buffer.from(credentials, 'base64')
        .toString()
        .replace(/^[^:]*:/, ''),
    );
  const all = [...values, ...passwords].filter((value) => value.length >= MIN_LENGTH);
  // A JSON response repeats them escaped.
  const escaped = all.map((value) => JSON.stringify(value).slice(1, -1));
  return [...new Set([...all, ...escaped])];
}

/** Keys of transitions are `state * CODE_UNITS + code`, with UTF-16 code units. */
const CODE_UNITS = 0x1_0000;
const ROOT = 0;

/** Returns a function that masks these secrets in a text. None of them may be empty. */
export function createSecretMask(secrets: readonly string[]): (text: string) => string {
  if (secrets.length === 0) return (text) => text;
  if (areTooLong(secrets)) return maskAll;
  const automaton = new Automaton(secrets);
  return (text) => maskRuns(text, automaton.runsIn(text));
}

/** Whether the secrets are too long to search for; then every text is masked completely. */
function areTooLong(secrets: readonly string[]): boolean {
  return secrets.reduce((sum, { length }) => sum + length, 0) > MAX_SECRET_CHARS;
}

/** Masks a complete text. */
function maskAll(text: string): string {
  return text === '' ? text : MASK;
}

/** From the first character to the one after the last. */
type Run = [start: number, end: number];

/**
 * Finds many secrets in a text in one pass (Aho and Corasick, "Efficient string matching", 1975): the cost is the length
 * of the secrets, once, and the length of each text, however many secrets there are. The states form a trie of prefixes
 * of the secrets; the current state is the longest prefix that the text read so far ends with.
 */
class Automaton {
  readonly #next = new Map<number, number>();
  /** By state: the state of the longest shorter prefix that it ends with. */
  readonly #fallback: number[] = [ROOT];
  /** By state: the length of the longest secret that it ends with, or 0. */
  readonly #matched: number[] = [0];

  constructor(secrets: readonly string[]) {
    const edges: (readonly [from: number, code: number])[] = [[ROOT, -1]];
    const depths = [0];
    for (const secret of secrets) {
      let state = ROOT;
      for (let at = 0; at < secret.length; at += 1) {
        const code = secret.charCodeAt(at);
        const known = this.#next.get(state * CODE_UNITS + code);
        if (known === undefined) {
          const added = edges.push([state, code]) - 1;
          this.#next.set(state * CODE_UNITS + code, added);
          depths[added] = at + 1;
          this.#fallback[added] = ROOT;
          this.#matched[added] = 0;
        }
        state = known ?? edges.length - 1;
      }
      this.#matched[state] = secret.length;
    }
    // Shorter prefixes first, as longer ones fall back to them.
    const states = depths.map((_, state) => state).sort((one, other) => depths[one]! - depths[other]!);
    for (const state of states) {
      const [from, code] = edges[state]!;
      if (from !== ROOT) this.#fallback[state] = this.#step(this.#fallback[from]!, code);
      this.#matched[state] ||= this.#matched[this.#fallback[state]!]!;
    }
  }

  /** The runs of characters that belong to secrets, in ascending order and without overlap. */
  runsIn(text: string): Run[] {
    const runs: Run[] = [];
    let state = ROOT;
    for (let at = 0; at < text.length; at += 1) {
      state = this.#step(state, text.charCodeAt(at));
      const length = this.#matched[state]!;
      if (length === 0) continue;
      const end = at + 1;
      let start = end - length;
      for (let last = runs.at(-1); last && last[1] >= start; last = runs.at(-1)) {
        start = Math.min(start, last[0]);
        runs.pop();
      }
      runs.push([start, end]);
    }
    return runs;
  }

  #step(from: number, code: number): number {
    let state = from;
    for (;;) {
      const next = this.#next.get(state * CODE_UNITS + code);
      if (next !== undefined) return next;
      if (state === ROOT) return ROOT;
      state = this.#fallback[state]!;
    }
  }
}

function maskRuns(text: string, runs: readonly Run[]): string {
  let masked = '';
  let at = 0;
  for (const [start, end] of runs) {
    masked += text.slice(at, start) + MASK;
    at = end;
  }
  return masked + text.slice(at);
}
