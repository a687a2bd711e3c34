/** How an API ends when its clients keep their connections and go on sending. */
import { Agent, request, type IncomingMessage } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { ADMIN_KEY } from '../../support/api.js';
import { openTestDatabase, type TestDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';
import { runCommand } from '../../support/process.js';

/** More than an API that ends responses in its delay of a second, and what one that goes on responds soon. */
const MAX_RESPONSES = 20_000;

let database: TestDatabase;
beforeAll(async () => void (database = await openTestDatabase()));
afterAll(() => database.close());

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('ends on SIGTERM under load: not ready, every response closes its connection, streams end', async () => {
  const port = await freePort();
  const api = runCommand('api', {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    PIGEONPOST_ADMIN_KEY: ADMIN_KEY,
    PIGEONPOST_ENCRYPTION_KEY: database.key.toString('base64'),
    PIGEONPOST_PORT: String(port),
    PIGEONPOST_SHUTDOWN_DELAY_SECONDS: '1',
  });
  const agent = new Agent({ keepAlive: true });
  const get = async (path: string): Promise<IncomingMessage> => {
    const sent = request({ port, path, agent, headers: { authorization: `Bearer ${ADMIN_KEY}` } }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response;
  };
  await eventually(
    () =>
      get('/readyz').then(
        (response) => response.resume().statusCode,
        () => undefined,
      ),
    (status) => status === 200,
    30_000,
  );
  const stream = await get('/v1/deliveries/stream');
  const streamEnded = once(stream.resume(), 'end');

  let stopping = false;
  let ended = false;
  void api.ended.then(() => (ended = true));
  const afterwards: { status: number | undefined; connection: string | undefined }[] = [];
  const client = async (): Promise<void> => {
    while (!ended && afterwards.length < MAX_RESPONSES) {
      const late = stopping;
      try {
        const response = await get('/readyz');
        const { statusCode: status, headers } = response;
        await once(response.resume(), 'end');
        if (late) afterwards.push({ status, connection: headers.connection });
      } catch {
        // Its connection was closed, or nothing listens any more.
      }
    }
  };
  const clients = Array.from({ length: 4 }, client);
  api.signal('SIGTERM');
  await eventually(
    async () => api.printed(),
    (text) => text.includes('Stopping'),
  );
  stopping = true;
  await Promise.all(clients);
  expect(afterwards.length).toBeGreaterThan(0);
  expect(new Set(afterwards.map(({ status }) => status))).toEqual(new Set([503]));
  expect(new Set(afterwards.map(({ connection }) => connection))).toEqual(new Set(['close']));
  await streamEnded;
  expect(await api.ended).toBe(0);
});
