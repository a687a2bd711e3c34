/** What receivers and senders write reaches the terminal as text and never as control sequences. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { paintFor, printable, withPrintable, type Terminal } from '../../../src/cli/terminal.js';
import { pigeonpost, start } from '../../support/cli.js';

/** Sets the window's title, clears the screen, a C1 control sequence, an overwritten line and reversed text. */
const HOSTILE = '\u001b]0;owned\u0007\u001b[2J\u009b31mred\rover\u202egnp.exe\u2066x\u007f';
const SHOWN = '\\u001b]0;owned\\u0007\\u001b[2J\\u009b31mred\\u000dover\\u202egnp.exe\\u2066x\\u007f';

test.each([
  ['plain text, tabs and line breaks', 'a\tb\nc', 'a\tb\nc'],
  ['line breaks of other systems', 'a\r\nb', 'a\nb'],
  ['letters of any script', 'žluťoučký שלום 日本 😀', 'žluťoučký שלום 日本 😀'],
  ['control characters', HOSTILE, SHOWN],
])('shows %s', (_what, text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('a terminal with colours gets those that are painted, and JSON that stays the same', () => {
  const lines: string[] = [];
  const given = { hasColours: true, out: (line: string) => void lines.push(line) } as unknown as Terminal;
  const terminal = withPrintable(given);
  const value = { text: `${HOSTILE}\u001b[31mred` };
  terminal.out(`${paintFor(given)('green', 'delivered')} ${HOSTILE}`);
  terminal.out(JSON.stringify(value));
  expect(lines[0]).toBe(`\u001b[32mdelivered\u001b[39m ${SHOWN}`);
  expect(JSON.parse(lines[1]!)).toEqual(value);
  expect(lines[1]).not.toContain('\u001b');
  expect(paintFor({ ...given, hasColours: false })('red', 'failed')).toBe('failed');
});

test('JSON stays the same when its control characters are escaped', () => {
  const value = { text: HOSTILE };
  const shown = printable(JSON.stringify(value, null, 2));
  expect(JSON.parse(shown)).toEqual(value);
  expect(shown).not.toMatch(/[\u0080-\u009f\u202a-\u202e\u2066-\u2069]/);
});

test('deliveries show escapes what a receiver responded', async () => {
  const delivery = {
    id: 'dlv_1',
    state: 'retrying',
    schedule: [],
    attempts: [{ number: 1, run: 0, outcome: 'refused', status: 500, message: HOSTILE, responseExcerpt: HOSTILE }],
  };
  const api = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(delivery)),
  );
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
  const env = { PIGEONPOST_URL: `http://127.0.0.1:${(api.address() as AddressInfo).port}`, PIGEONPOST_API_KEY: 'key' };
  const { out } = await pigeonpost(['deliveries', 'show', 'dlv_1'], { env });
  const json = await pigeonpost(['deliveries', 'show', 'dlv_1', '--json'], { env });
  api.close();
  expect(out).toMatch(/\n\nThe last response:\n\\u001b]0;owned/);
  expect(out).not.toMatch(/(?![\n\t])[\p{Cc}\p{Bidi_Control}]/u);
  expect(json.out).not.toMatch(/(?![\n\t])[\p{Cc}\p{Bidi_Control}]/u);
  expect(json.json).toEqual(delivery);
});

test('listen escapes what a sender sent', async () => {
  const secret = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3';
  const listening = start(['listen', '--port', '0', '--provider', 'standard', '--secret', secret, '--count', '1']);
  const [said = ''] = await listening.lines(1);
  const [url = ''] = /http:\S+\d/.exec(said) ?? [];
  await fetch(url, { method: 'POST', body: HOSTILE, headers: { 'x-hostile': '\u009b31m' } });
  const { out } = await listening.ended;
  expect(out).toContain(`  x-hostile: \\u009b31m`);
  expect(out.endsWith(`\n\n  ${SHOWN}`)).toBe(true);
});
