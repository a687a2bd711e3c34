/** What every command has in common: finding the API, help, mistakes, completion. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findApi } from '../../../src/cli/find-api.js';
import { ADMIN_KEY, startApiWithDatabase } from '../../support/api.js';
import { pigeonpost } from '../../support/cli.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let dataDir: string;
beforeAll(async () => {
  api = await startApiWithDatabase();
  dataDir = mkdtempSync(join(tmpdir(), 'pigeonpost-cli-'));
  writeFileSync(join(dataDir, 'admin-key'), `${ADMIN_KEY}\n`);
});
afterAll(async () => {
  await api.close();
  rmSync(dataDir, { recursive: true });
});

describe('the API', () => {
  test('is found next to a Pigeonpost that runs with the same settings', async () => {
    const env = { PIGEONPOST_PORT: new URL(api.url).port, PIGEONPOST_DATA_DIR: dataDir };
    const { exitCode, json } = await pigeonpost(['deliveries', 'list', '--json'], { env });
    expect([exitCode, json]).toEqual([0, { data: [], nextCursor: null, searchedSince: null }]);
  });

  test.each([
    [{}, {}, 'http://127.0.0.1:8080', 'kept'],
    [{}, { PIGEONPOST_HOST: '::', PIGEONPOST_PORT: '81' }, 'http://127.0.0.1:81', 'kept'],
    [{}, { PIGEONPOST_HOST: '::1', PIGEONPOST_ADMIN_KEY: 'set-as-admin-key' }, 'http://[::1]:8080', 'set-as-admin-key'],
    [{}, { PIGEONPOST_URL: 'http://localhost:8080' }, 'http://localhost:8080', 'kept'],
    [{}, { PIGEONPOST_URL: 'https://a.example', PIGEONPOST_API_KEY: 'key' }, 'https://a.example', 'key'],
    [{ url: 'https://b.example', key: 'b' }, { PIGEONPOST_API_KEY: 'a' }, 'https://b.example', 'b'],
  ])('%j with %j', async (options, env, url, key) => {
    const found = await findApi(options, { PIGEONPOST_DATA_DIR: dataDir, ...env });
    expect(found).toEqual({ url, key: key === 'kept' ? ADMIN_KEY : key });
  });

  test.each([
    [
      { url: 'https://a.example' },
      { PIGEONPOST_ADMIN_KEY: 'only-for-our-own' },
      'No key for https://a.example is known',
    ],
    [{ url: 'http://127.0.0.1:8081' }, {}, 'No key for http://127.0.0.1:8081 is known'],
    [{ url: 'here' }, {}, '--url is "here"'],
    [{}, { PIGEONPOST_PORT: '0' }, 'PIGEONPOST_PORT is 0'],
    [{}, { PIGEONPOST_DATA_DIR: '/no/such/folder' }, 'there is no file /no/such/folder/admin-key'],
    [{}, { PIGEONPOST_URL: 'here' }, 'PIGEONPOST_URL is "here": write a URL like http://127.0.0.1:8080'],
  ])('%j with %j is not known', async (options, env, message) => {
    await expect(findApi(options, { PIGEONPOST_DATA_DIR: dataDir, ...env })).rejects.toThrow(message);
  });
});

describe('a mistake', () => {
  const env = () => ({ PIGEONPOST_URL: api.url, PIGEONPOST_API_KEY: ADMIN_KEY });

  test.each([
    [['deliverys'], "error: unknown command 'deliverys'\n(Did you mean deliveries?)"],
    [['deliveries', 'lst'], "error: unknown command 'lst'\n(Did you mean list?)"],
    [['deliveries', 'list', '--stat', 'failed'], "error: unknown option '--stat'\n(Did you mean --state?)"],
    [['deliveries', 'list', '--state', 'lost'], 'Allowed choices are pending, retrying,'],
    [['deliveries', 'list', '--from', 'noon'], 'Write a time such as 2026-11-21T14:00:00Z, or how long ago it was'],
    [['deliveries', 'tail', '--every', '1'], 'Write a time span such as 500ms, 10s, 5m, 2h or 7d.'],
    [['recover', 'sub_1'], "required option '--from <time>' not specified"],
    [
      ['recover', 'sub_1', '--from', '1h', '--state', 'open'],
      'Write one of failed, retrying, cancelled, delivered, missing.',
    ],
    [['accounts', 'create', 'standard', 'A', '--settings', '[]'], 'Write a JSON object, in quotes for the shell.'],
    [['subscriptions', 'edit', 'sub_1', '--set', 'a:=b'], 'Write name=text, or name:=JSON'],
    [['subscriptions', 'edit', 'sub_1', '--header', 'a'], "Write a header as 'Name: value'."],
    [['subscriptions', 'edit', 'sub_1', '--rate', '-1'], 'Write a number above 0.'],
    [['deliveries', 'list', '--limit', 'x'], 'Write a whole number from 1 '],
  ])('%j is explained', async (args, message) => {
    const { exitCode, err, out } = await pigeonpost(args, { env: env() });
    expect([exitCode, out]).toEqual([1, '']);
    expect(err).toContain(message);
  });

  test('a setting that is wrong is named', async () => {
    const { exitCode, err } = await pigeonpost(['accounts', 'list'], { env: { PIGEONPOST_PROT: '1' } });
    expect(exitCode).toBe(1);
    expect(err).toBe(
      'pigeonpost: One setting is wrong:\n  PIGEONPOST_PROT is not a setting: did you mean PIGEONPOST_PORT?',
    );
  });

  test('a wrong key, an unknown thing and another server are distinguished', async () => {
    const wrongKey = await pigeonpost(['accounts', 'list', '--key', 'wrong'], { env: env() });
    expect(wrongKey.err).toMatch(
      /^pigeonpost: send an operator's or an account's key .+\nThe key is not the API's: check --key or /,
    );
    const unknown = await pigeonpost(['accounts', 'show', 'acc_none'], { env: env() });
    expect(unknown.err).toBe('pigeonpost: there is no such account');
    const other = createServer((_request, response) => response.writeHead(404).end('not here'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    const elsewhere = await pigeonpost(['accounts', 'list', '--url', `http://127.0.0.1:${port}`], { env: env() });
    other.close();
    expect(elsewhere.err).toBe(
      "pigeonpost: the response was 404, and not one of Pigeonpost's.\nIs --url or PIGEONPOST_URL right?",
    );
  });

  test('an API that does not run is to be started', async () => {
    const { exitCode, err } = await pigeonpost(['accounts', 'list', '--url', 'http://127.0.0.1:9'], { env: env() });
    expect(exitCode).toBe(1);
    expect(err).toMatch(
      /^pigeonpost: no response from http:\/\/127\.0\.0\.1:9: .+\.\nStart Pigeonpost with `npm start`/,
    );
  });
});

test('programs get errors as JSON', async () => {
  const env = { PIGEONPOST_URL: api.url, PIGEONPOST_API_KEY: ADMIN_KEY };
  const refused = await pigeonpost(['deliveries', 'show', 'dlv_none', '--json'], { env });
  expect([refused.exitCode, refused.out]).toEqual([1, '']);
  expect(JSON.parse(refused.err)).toEqual({
    error: expect.objectContaining({ code: 'not_found', status: 404, message: 'there is no such delivery' }),
  });
  const unreachable = await pigeonpost(['accounts', 'list', '--url', 'http://127.0.0.1:9', '--json'], { env });
  expect(JSON.parse(unreachable.err)).toMatchObject({ error: { code: 'unreachable' } });
});

describe('help', () => {
  test('lists the commands by what they are for', async () => {
    const { exitCode, out } = await pigeonpost(['--help']);
    expect(exitCode).toBe(0);
    for (const heading of ['Processes:', 'Through the API:', 'For development and diagnosis:'])
      expect(out).toContain(`\n${heading}\n`);
  });

  test('of listen says what a secret is for each provider', async () => {
    const { out } = await pigeonpost(['listen', '--help']);
    expect(out).toMatch(/^ {2}bird +the signing key$/m);
  });
});

describe('completion', () => {
  let printed: string[];
  beforeEach(() => {
    printed = [];
    jest.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(text));
  });
  afterEach(() => jest.restoreAllMocks());

  test.each(['bash', 'zsh', 'fish'])('has a script for %s', async (shell) => {
    const { exitCode } = await pigeonpost(['completion', shell]);
    expect(exitCode).toBe(0);
    expect(printed.join('\n')).toContain('pigeonpost complete --');
  });

  test.each([
    [['deliv'], /^deliveries\t/m],
    [['deliveries', 're'], /^resume\t[^]*^redeliver\t/m],
    [['deliveries', 'list', '--st'], /^--state\t/m],
    [['deliveries', 'list', '--state', 'fai'], /^failed/m],
    [['listen', '--provider', 'post'], /^postscript[^]*^postmark/m],
  ])('completes %j', async (words, suggestions) => {
    const { exitCode } = await pigeonpost(['complete', '--', ...words]);
    expect(exitCode).toBe(0);
    expect(printed.join('\n')).toMatch(suggestions);
  });
});
