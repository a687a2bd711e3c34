import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApiWithDatabase } from '../../support/api.js';
import { against } from '../../support/cli.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let cli: ReturnType<typeof against>;
let account: string;
let folder: string;
beforeAll(async () => {
  api = await startApiWithDatabase();
  cli = against(api.url);
  account = (await cli.json('accounts', 'create', 'standard', 'Acme')).id;
  await cli.json('subscriptions', 'create', account, 'http://127.0.0.1/in', '--type', 'user.created');
  folder = mkdtempSync(join(tmpdir(), 'pigeonpost-emit-'));
});
afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

function file(text: string): string {
  const path = join(folder, 'events');
  writeFileSync(path, text);
  return path;
}

const stored = async (id: string) => (await api.ask('GET', `/v1/events/${id}`)).text;

test('a payload is handed in as it is written', async () => {
  const payload = '{"id": 12345678901234567890, "name":"gr\\u00f6\\u00dfe", "id": 1.0}';
  const at = '2026-11-20T10:00:00.000Z';
  const event = await cli.json('emit', account, 'user.created', '--data', payload, '--occurred-at', at);
  expect(event).toMatchObject({ type: 'user.created', deliveries: [{ id: expect.any(String) }] });
  const text = await stored(event.id);
  expect(text).toContain('"data":{"id":12345678901234567890,"name":"gr\\u00f6\\u00dfe","id":1.0}');
  expect(text).toContain(at);
});

test('a payload comes from a file or through a pipe', async () => {
  const fromFile = await cli.json('emit', account, 'user.created', '--file', file('{"from": "file"}\n'));
  expect(await stored(fromFile.id)).toContain('"data":{"from":"file"}');
  const { out } = await cli.pigeonpost(['emit', account, 'user.created', '--channel', 'a'], '{"from": "pipe"}');
  const [id = '', ...rest] = out.split('  ');
  expect(rest).toEqual(['user.created', expect.stringMatching(/^delivery dlv_\w+$/)]);
  expect(await stored(id)).toContain('"channels":["a"]');
});

test.each([
  ['an object', '{"type": "user.created", "data": 1}', 1],
  ['a list', '[{"type": "user.created", "data": 1}, {"type": "user.created", "data": 2}]', 2],
  ['the body of a batch', '{"events": [{"type": "user.created", "data": 1}]}', 1],
  ['a line each', '{"type": "user.created", "data": {"a": 1}}\n\n{"type": "user.deleted", "data": {}}\n', 2],
])('whole events are %s', async (_form, text, count) => {
  const { exitCode, out } = await cli.pigeonpost(['emit', account], text);
  expect(exitCode).toBe(0);
  expect(out.split('\n')).toHaveLength(count);
});

test('more events than fit one request take several', async () => {
  const lines = Array.from({ length: 1_001 }, (_, n) => `{"type": "user.renamed", "data": {"n": ${n}}}`).join('\n');
  const emit = () => cli.json('emit', account, '--file', file(lines), '--idempotency-key', 'many');
  const { results } = await emit();
  expect(results).toHaveLength(1_001);
  expect(await stored(results[1_000].id)).toContain('"n":1000');
  expect(await emit()).toEqual({ results });
});

test('an event that no one takes says so, and one that is refused ends with 1', async () => {
  const text = '[{"type": "user.left", "data": {}}, {"type": "", "data": {}}]';
  const { exitCode, out } = await cli.pigeonpost(['emit', account], text);
  expect(exitCode).toBe(1);
  const [taken, refused] = out.split('\n');
  expect(taken).toMatch(/^evt_\w+ {2}user\.left {2}has no subscription$/);
  expect(refused).toMatch(/^refused {2}type: /);
});

test.each([
  [['user.created', '--data', '{"a":}'], undefined, /^pigeonpost: The payload is no JSON: /],
  [[], '{"type": "a", "data": 1}\n{"type": \n', /^pigeonpost: Line 2 is no JSON: /],
  [[], '7', 'pigeonpost: This is no event. Write an object with type and data, or a list of such objects.'],
  [['user.created'], undefined, 'pigeonpost: There is nothing to emit. Give --data or --file, or pipe the text in.'],
  [['user.created', '--data', '1', '--file', 'x'], undefined, 'pigeonpost: Give --data or --file, not both.'],
  [['user.created', '--file', 'no/such/file'], undefined, /^pigeonpost: no\/such\/file cannot be used: ENOENT/],
  [['--channel', 'a', '--data', '{}'], undefined, /^pigeonpost: Whole events say themselves/],
] as const)('%j with %j is refused', async (args, stdin, message) => {
  const { exitCode, err } = await cli.pigeonpost(['emit', account, ...args], stdin);
  expect(exitCode).toBe(1);
  if (typeof message === 'string') expect(err).toBe(message);
  else expect(err).toMatch(message);
});
