import { redactExchange, redactMessage } from '../../../../src/activities/attempt/redact';
import type { Exchange } from '../../../../src/egress/types';

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const request = {
  headers: [
    { name: 'Content-Type', value: 'application/json' },
    { name: 'Authorization', value: basic('kim', 'pass:word'), secret: true },
    { name: 'X-Token', value: 'Bearer abc"def$&', secret: true },
    { name: 'X-Short', value: 'yes', secret: true },
  ],
};
const response = (excerpt: string, headers: Record<string, string> = {}): Exchange => ({
  kind: 'response',
  status: 500,
  headers,
  excerpt,
  truncated: false,
  durationMs: 1,
  url: 'https://example.com/',
});

it.each([
  ['the whole value', `got ${basic('kim', 'pass:word')}`, 'got ***'],
  ['a part of it', 'token abc"def$& is unknown', 'token *** is unknown'],
  ['a decoded password', 'kim, your password pass:word is wrong', 'kim, your password *** is wrong'],
  ['a value in JSON', JSON.stringify({ t: 'Bearer abc"def$&' }), '{"t":"***"}'],
  ['what is no secret', 'yes, application/json', 'yes, application/json'],
])('masks in an answer %s', (_what, text, expected) => {
  expect(redactExchange(response(text, { 'x-echo': text }), request)).toEqual(
    response(expected, { 'x-echo': expected }),
  );
});

it.each([
  ['cannot reach https://kim:secret@example.com/a@b', 'cannot reach https://***@example.com/a@b'],
  ['cannot reach http://secret@[::1]:80/', 'cannot reach http://***@[::1]:80/'],
  ['https://example.com/?to=a@b.com refuses', 'https://example.com/?to=a@b.com refuses'],
  ['mail a@b.com about Bearer abc"def$&', 'mail a@b.com about ***'],
])('makes of the message %j', (message, expected) => {
  const failure: Exchange = { kind: 'failure', reason: 'reset', message, durationMs: 1 };
  expect(redactExchange(failure, request)).toEqual({ ...failure, message: expected });
  expect(redactMessage(message, request.headers)).toBe(expected);
});
