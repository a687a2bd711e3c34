/** What is kept of an exchange holds no secret, even where the receiver repeats what it was sent. */
import type { DeliveryRequest } from '../../contract/types.js';
import type { Exchange } from '../../egress/types.js';
import { areTooLong, createSecretMask, MASK, maskAll } from './secret-mask.js';

/** Shorter values are found in any text by chance. */
const MIN_LENGTH = 6;
/** User and password of an address. */
const USERINFO = /(?<=\/\/)[^\s/?#@"'<>]+(?=@)/g;

/** The exchange with every secret header of its request masked wherever it stands, and addresses without credentials. */
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

/** A message for people, without header values and credentials of addresses. */
export function redactMessage(message: string, headers: DeliveryRequest['headers'] = []): string {
  return maskFor(headers)(message).replace(USERINFO, MASK);
}

/** Masks the secret headers of a request in any text. */
function maskFor(headers: DeliveryRequest['headers']): (text: string) => string {
  const values = headers.filter(({ secret }) => secret).map(({ value }) => value);
  // Checked before they are taken apart, which costs as much as looking for them.
  return areTooLong(values) ? maskAll : createSecretMask(secretsOf(values));
}

/** Values of secret headers: whole, their parts, and the password of Basic credentials. */
function secretsOf(wholeValues: readonly string[]): string[] {
  const values = wholeValues.flatMap((value) => [value, ...value.split(/\s+/)]);
  const passwords = wholeValues
    .flatMap((value) => /^Basic (\S+)$/i.exec(value)?.[1] ?? [])
    .map((credentials) =>
      Buffer.from(credentials, 'base64')
        .toString()
        .replace(/^[^:]*:/, ''),
    );
  const all = [...values, ...passwords].filter((value) => value.length >= MIN_LENGTH);
  // A receiver that answers in JSON repeats them escaped.
  const escaped = all.map((value) => JSON.stringify(value).slice(1, -1));
  return [...new Set([...all, ...escaped])];
}
