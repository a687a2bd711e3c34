import { createServer } from 'node:http';
import { unwrap, ApiError, createClient, paginate, Unreachable } from '../../../src/client/index.js';
import { ADMIN_KEY, startApiWithDatabase } from '../../support/api.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

const create = (name: string, provider = 'standard') =>
  unwrap(createClient({ url: `${api.url}/`, key: ADMIN_KEY }).POST('/v1/accounts', { body: { provider, name } }));

test('responds with what the API responds', async () => {
  const account = await create('Acme');
  const client = createClient({ url: api.url, key: ADMIN_KEY });
  const found = await unwrap(client.GET('/v1/accounts/{id}', { params: { path: { id: account.id } } }));
  expect(found).toMatchObject({ name: 'Acme', keys: [{ hint: account.apiKey.slice(-4) }] });
});

test('goes through the pages of a list', async () => {
  const client = createClient({ url: api.url, key: ADMIN_KEY });
  const { id } = await create('Many');
  for (const name of ['a', 'b', 'c']) {
    const body = { url: `http://127.0.0.1/${name}`, eventTypes: [] };
    await unwrap(client.POST('/v1/accounts/{id}/subscriptions', { params: { path: { id } }, body }));
  }
  const urls: string[] = [];
  const params = (cursor: string | undefined) => ({ path: { id }, query: { limit: 2, ...(cursor && { cursor }) } });
  const pages = paginate((cursor) => unwrap(client.GET('/v1/accounts/{id}/subscriptions', { params: params(cursor) })));
  for await (const { url } of pages) urls.push(new URL(url!).pathname);
  expect(urls).toEqual(['/c', '/b', '/a']);
});

test('throws what the API says is wrong, field by field', async () => {
  const wrong = create('', 'none');
  await expect(wrong).rejects.toThrow(ApiError);
  await expect(wrong).rejects.toMatchObject({ status: 422, problem: { code: 'invalid_request' } });
  const client = createClient({ url: api.url, key: ADMIN_KEY });
  const body = { provider: 1, name: 2 } as unknown as { provider: string; name: string };
  await expect(unwrap(client.POST('/v1/accounts', { body }))).rejects.toThrow(/provider: .+\nname: /);
});

test('says a response of something else from one of the API', async () => {
  const proxy = createServer((_request, response) => response.writeHead(502, { 'retry-after': '7' }).end('<html>'));
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as { port: number };
  const client = createClient({ url: `http://127.0.0.1:${port}`, key: 'any' });
  const asked = unwrap(client.GET('/v1/accounts'));
  await expect(asked).rejects.toThrow("the response was 502, and not one of Pigeonpost's");
  await expect(asked).rejects.toMatchObject({ status: 502, problem: undefined, retryAfterS: 7 });
  proxy.close();
});

test('says where nothing responds, and why', async () => {
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
  const { port } = gone.address() as { port: number };
  await new Promise((resolve) => gone.close(resolve));
  const client = createClient({ url: `http://127.0.0.1:${port}`, key: 'any' });
  const asked = unwrap(client.GET('/v1/accounts'));
  await expect(asked).rejects.toThrow(Unreachable);
  await expect(asked).rejects.toThrow(`no response from http://127.0.0.1:${port}: connect ECONNREFUSED`);
});
