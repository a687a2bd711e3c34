/** Serving the dashboard: its page where a browser goes, its files, and nothing in the way of the API. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchWhole, startApiWithDatabase, type TestApi } from '../../support/api.js';
import { newAccount } from '../../support/samples.js';

const PAGE = '<!doctype html><title>Pigeonpost</title>';
/** What a browser sends when someone goes to a page. */
const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

let folder: string;
let api: TestApi;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pigeonpost-dashboard-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), PAGE);
  await writeFile(join(folder, 'assets', 'index-1a2b3c.js'), 'export {};');
  api = await startApiWithDatabase({ dashboardFolder: folder });
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});

const get = (path: string, headers: Record<string, string> = BROWSER) => fetchWhole(`${api.url}${path}`, { headers });

test.each([
  '/',
  '/overview',
  '/deliveries/dlv_1',
  '/subscriptions/sub_1/edit',
  '/accounts',
  '/contracts/x',
  '/nothing',
])('a browser gets the page at %s, without a key', async (path) => {
  const response = await get(path);
  expect([response.status, await response.text()]).toEqual([200, PAGE]);
  expect(response.headers.get('content-type')).toMatch(/^text\/html/);
  expect(response.headers.get('cache-control')).toBe('no-cache');
});

test('the page may run, show and ask nothing but what comes from here', async () => {
  const policy = (await get('/')).headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
});

test('files whose names hold their contents are kept for good', async () => {
  const response = await get('/assets/index-1a2b3c.js', { accept: '*/*' });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/javascript/);
  expect(response.headers.get('cache-control')).toContain('immutable');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
});

test.each(['/assets/index-0.js', '/favicon.ico', '/..%2f..%2fpackage.json', '/.env'])(
  'what is not there is not the page: %s',
  async (path) => {
    const response = await get(path);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: 'not_found' });
  },
);

test('metrics are not the page either', async () => {
  const response = await get('/metrics');
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ code: 'unauthorized' });
});

test('programs get the same responds as before', async () => {
  const response = await get('/', { accept: '*/*' });
  expect(response.status).toBe(404);
  expect(response.headers.get('content-type')).toMatch(/problem\+json/);
  expect((await fetchWhole(`${api.url}/deliveries`, { method: 'POST', headers: BROWSER })).status).toBe(404);
});

test('paths of the API are never the page', async () => {
  expect((await get('/v1/deliveries')).status).toBe(401);
  const { apiKey } = await newAccount(api.ask, 'standard');
  const reply = await api.ask('GET', '/v1/nothing', undefined, { ...BROWSER, authorization: `Bearer ${apiKey}` });
  expect([reply.status, reply.body.code]).toEqual([404, 'not_found']);
  for (const path of ['/openapi.json', '/healthz']) {
    expect((await get(path)).headers.get('content-type')).toMatch(/^application\/json/);
  }
});

test.each([
  '/webhooks',
  '/webhooks/1',
  '/v1/webhooks',
  '/api/v1/webhooks',
  '/api/v2/webhooks',
  '/api/v1/app/app_1/endpoint',
  '/organizations/o/workspaces/w/webhook-subscriptions',
  '/workspaces/w/webhook-subscriptions/1',
])('a provider responds at its own path: %s', async (path) => {
  const response = await get(path);
  expect(response.headers.get('content-type')).toMatch(/json/);
  expect(response.status).toBeGreaterThanOrEqual(400);
});

test('where it is not built, that is said', async () => {
  const bare = await startApiWithDatabase({ dashboardFolder: join(folder, 'nowhere') });
  const response = await fetchWhole(`${bare.url}/deliveries`, { headers: BROWSER });
  expect([response.status, await response.text()]).toEqual([404, expect.stringContaining('npm run build')]);
  await bare.close();
});
