/** What a browser gets of the customer portal: how it looks, its page in a frame, and the script that embeds it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchWhole, startApiWithDatabase, type TestApi } from '../../../support/api.js';

const PAGE = '<!doctype html><title>Webhooks</title>';
const SCRIPT = 'customElements;';
const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

let folder: string;
let plain: TestApi;
let branded: TestApi;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pigeonpost-portal-'));
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>Pigeonpost</title>');
  await writeFile(join(folder, 'portal.html'), PAGE);
  await writeFile(join(folder, 'portal.js'), SCRIPT);
  plain = await startApiWithDatabase({ dashboardFolder: folder });
  branded = await startApiWithDatabase({
    dashboardFolder: folder,
    portal: {
      name: 'Acme Webhooks',
      logoUrl: 'https://cdn.example.com/logo.svg?v=2',
      colors: { light: '#0a66c2', dark: '#44aaff' },
      words: { endpoint: 'webhook' },
      supportUrl: 'https://example.com/help',
      frameAncestors: ['https://app.example.com', 'https://*.example.org'],
    },
  });
});
afterAll(async () => {
  await plain.close();
  await branded.close();
  await rm(folder, { recursive: true });
});

test('how it looks needs no key', async () => {
  const of = async (api: TestApi) => (await fetchWhole(`${api.url}/v1/portal`)).json();
  expect(await of(plain)).toEqual({ name: 'Webhooks', logoUrl: null, colors: {}, words: {} });
  expect(await of(branded)).toEqual({
    name: 'Acme Webhooks',
    logoUrl: 'https://cdn.example.com/logo.svg?v=2',
    colors: { light: '#0a66c2', dark: '#44aaff' },
    words: { endpoint: 'webhook' },
    supportUrl: 'https://example.com/help',
  });
  expect((await fetchWhole(`${plain.url}/v1/portal`, { method: 'POST' })).status).toBe(401);
});

test('the page is framed by the sites of the settings only, and shows the logo', async () => {
  const policyOf = async (api: TestApi) => {
    const response = await fetchWhole(`${api.url}/portal`, { headers: BROWSER });
    expect([response.status, await response.text()]).toEqual([200, PAGE]);
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    // These would forbid frames whatever the policy says, or separate the page from the one that embeds it.
    for (const name of ['x-frame-options', 'cross-origin-opener-policy', 'cross-origin-resource-policy'])
      expect([name, response.headers.get(name)]).toEqual([name, null]);
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    return response.headers.get('content-security-policy')!.split('; ');
  };
  const policy = await policyOf(plain);
  expect(policy).toEqual(expect.arrayContaining(["default-src 'none'", "script-src 'self'", "img-src 'self'"]));
  expect(policy).toContain("frame-ancestors 'none'");
  const open = await policyOf(branded);
  expect(open).toContain("img-src 'self' https://cdn.example.com");
  expect(open).toContain('frame-ancestors https://app.example.com https://*.example.org');
  expect(open.filter((directive) => !policy.includes(directive))).toHaveLength(2);
});

test('other sites load the script', async () => {
  const response = await fetchWhole(`${plain.url}/portal.js`);
  expect([response.status, await response.text()]).toEqual([200, SCRIPT]);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'text/javascript; charset=utf-8',
    'cross-origin-resource-policy': 'cross-origin',
    'cache-control': 'public, max-age=300',
    'x-content-type-options': 'nosniff',
  });
});

test('the dashboard is framed by nobody still', async () => {
  const response = await fetchWhole(`${branded.url}/deliveries`, { headers: BROWSER });
  expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
});

test('where it is not built, that is said', async () => {
  const bare = await startApiWithDatabase({ dashboardFolder: join(folder, 'nowhere') });
  for (const path of ['/portal', '/portal.js']) {
    const response = await fetchWhole(`${bare.url}${path}`);
    expect([response.status, await response.text()]).toEqual([404, expect.stringContaining('npm run build')]);
  }
  await bare.close();
});
