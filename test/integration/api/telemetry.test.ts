/** The ids of requests, and who may read metrics. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { createMetricsApp } from '../../../src/api/metrics.js';
import { eventually } from '../../support/eventually.js';
import { ADMIN_KEY, startApiWithDatabase } from '../../support/api.js';

const lines: Record<string, unknown>[] = [];
const log = pino({ level: 'debug' }, { write: (line) => void lines.push(JSON.parse(line)) });

describe('requests', () => {
  let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
  beforeAll(async () => {
    api = await startApiWithDatabase({ log });
  });
  afterAll(() => api.close());

  const logged = (requestId: string | null) =>
    eventually(
      async () => lines.find((line) => line.requestId === requestId && line.msg === 'request'),
      (line) => line !== undefined,
    );

  test('have an id that the caller gets, and a line in the log', async () => {
    const { headers } = await api.ask('GET', '/v1/accounts?limit=1');
    const requestId = headers.get('x-request-id');
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(await logged(requestId)).toMatchObject({
      level: 20,
      method: 'GET',
      path: '/v1/accounts',
      status: 200,
      durationMs: expect.any(Number),
    });
  });

  test("keep the caller's id", async () => {
    const given = { 'x-request-id': 'proxy-0123456789' };
    expect((await api.ask('GET', '/v1/nowhere', undefined, given)).headers.get('x-request-id')).toBe(
      'proxy-0123456789',
    );
    expect(await logged('proxy-0123456789')).toMatchObject({ path: '/v1/nowhere', status: 404 });
  });

  test.each(['short', 'x'.repeat(65), 'with space and "quotes"'])('do not take %j for an id', async (id) => {
    const { headers } = await api.ask('GET', '/v1/accounts', undefined, { 'x-request-id': id });
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('that fail on our side are logged with their id', async () => {
    await api.database.store.pool.query('ALTER TABLE accounts RENAME TO accounts_away');
    const { status, headers } = await api.ask('GET', '/v1/accounts');
    await api.database.store.pool.query('ALTER TABLE accounts_away RENAME TO accounts');
    expect(status).toBe(500);
    const failure = lines.find(({ msg }) => msg === 'request failed');
    expect(failure).toMatchObject({ level: 50, requestId: headers.get('x-request-id'), path: '/v1/accounts' });
  });

  test("of a provider's own API get their responses without headers of ours", async () => {
    const { headers } = await api.ask('GET', '/api/v2/webhooks');
    expect(headers.has('x-request-id')).toBe(false);
    expect(lines.some(({ path, requestId }) => path === '/api/v2/webhooks' && requestId !== undefined)).toBe(true);
  });
});

const METRICS_KEY = 'a-key-for-metrics-only';

test('a metrics key reads metrics and nothing else', async () => {
  const other = await startApiWithDatabase({ log, metricsKey: METRICS_KEY });
  const headers = { authorization: `Bearer ${METRICS_KEY}` };
  const statuses = await Promise.all(
    ['/metrics', '/v1/accounts', '/v1/health'].map(async (path) => (await fetch(other.url + path, { headers })).status),
  );
  await other.close();
  expect(statuses).toEqual([200, 401, 401]);
});

describe('the metrics of a process without the API', () => {
  let server: Server | undefined;
  afterEach(async () => {
    await new Promise((resolve) => server?.close(resolve));
  });

  async function read(metricsOpen: boolean, path: string, headers: Record<string, string> = {}) {
    const app = createMetricsApp({ adminKey: ADMIN_KEY, metricsKey: METRICS_KEY, metricsOpen }, log);
    await new Promise<void>((resolve) => (server = app.listen(0, '127.0.0.1', () => resolve())));
    const { port } = server!.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close', ...headers } });
    return { status: response.status, text: await response.text() };
  }

  test('need the admin key', async () => {
    expect((await read(false, '/metrics')).status).toBe(401);
  });

  test.each([
    ['it', ADMIN_KEY],
    ['the metrics key', METRICS_KEY],
  ])('are read with %s', async (_, key) => {
    const { status, text } = await read(false, '/metrics', { authorization: `Bearer ${key}` });
    expect(status).toBe(200);
    expect(text).toContain('# TYPE pigeonpost_attempts_total counter');
  });

  test('are open to all where that is set', async () => {
    expect((await read(true, '/metrics')).status).toBe(200);
  });

  test('are all there is', async () => {
    expect((await read(true, '/v1/accounts')).status).toBe(404);
  });
});
