/** A running `up` sends nothing to itself, its database or Temporal, although receivers on this machine are allowed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { addUrl, ownListeners, warnOfOpenLoopback } from '../../../src/server/own-listeners.js';
import { loadConfig } from '../../../src/config/config.js';
import { OwnListeners } from '../../../src/egress/own-listeners.js';
import { pickPort } from '../../../src/embedded/ports.js';
import { ADMIN_KEY, askAt } from '../../support/api.js';
import { eventually } from '../../support/eventually.js';
import { runCommand } from '../../support/process.js';
import { startReceiver } from '../../support/receiver.js';
import { fromSetup } from '../../support/system.js';

jest.setTimeout(240_000);

const names = async () => ['127.0.0.1'];
const embedded = { databaseUrl: 'postgres://u:p@127.0.0.1:20001/x', temporal: temporalAt('127.0.0.1:7233') };

function temporalAt(address: string) {
  return { connectionOptions: { address } };
}

describe('the listeners of a process', () => {
  test('are those of its settings and of the embedded servers when nothing is external', async () => {
    const own = ownListeners(loadConfig({ PIGEONPOST_METRICS_PORT: '9464' }), {
      ...embedded,
      embeddedUrls: ['http://127.0.0.1:20002'],
    });
    for (const port of [8080, 9464, 7233, 8233, 20001, 20002])
      expect([port, await own.includes('127.0.0.1', port, names)]).toEqual([port, true]);
    expect(await own.includes('127.0.0.1', 9000, names)).toBe(false);
  });

  test('are those of external servers and of the proxy when settings name them', async () => {
    const databaseUrl = 'postgres://u:p@10.0.0.5/x';
    const config = loadConfig({
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: '10.0.0.6:7233',
      PIGEONPOST_TEMPORAL_UI_URL: 'https://10.0.0.7/ui',
      PIGEONPOST_EGRESS_PROXY: 'http://10.0.0.8:3128',
    });
    const own = ownListeners(config, { databaseUrl, temporal: temporalAt('10.0.0.6:7233') });
    const places = [
      ['10.0.0.5', 5432],
      ['10.0.0.6', 7233],
      ['10.0.0.7', 443],
      ['10.0.0.8', 3128],
    ] as const;
    for (const [address, port] of places)
      expect([address, await own.includes(address, port, names)]).toEqual([address, true]);
    expect(await own.includes('10.0.0.5', 443, names)).toBe(false);
  });

  test('leave out a database behind a socket of the file system', async () => {
    const own = new OwnListeners();
    addUrl(own, 'postgres:///x?host=/var/run/postgresql');
    expect(await own.includes('127.0.0.1', 5432, names)).toBe(false);
  });
});

test.each([
  ['0.0.0.0', {}, 1],
  ['192.0.2.1', {}, 1],
  ['127.0.0.1', {}, 0],
  ['::1', {}, 0],
  ['localhost', {}, 0],
  ['0.0.0.0', { PIGEONPOST_ALLOW_NETWORKS: 'none' }, 0],
  ['0.0.0.0', { PIGEONPOST_ALLOW_NETWORKS: '10.0.0.0/8' }, 0],
])('an API on %s with %j warns %d times', (host, settings, times) => {
  const log = pino({ level: 'silent' });
  const warn = jest.spyOn(log, 'warn');
  warnOfOpenLoopback(loadConfig({ PIGEONPOST_HOST: host, ...settings }), log);
  expect(warn).toHaveBeenCalledTimes(times);
});

test('up blocks deliveries to itself and makes those to a receiver beside it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pigeonpost-own-'));
  const receiver = await startReceiver();
  const [temporalPort, uiPort, postgresPort] = [await pickPort(), await pickPort(), await pickPort()];
  const running = runCommand(
    'up',
    {
      PIGEONPOST_DATA_DIR: join(folder, 'data'),
      PIGEONPOST_TEMPORAL_CLI: fromSetup('PIGEONPOST_TEST_TEMPORAL_CLI'),
      PIGEONPOST_ADMIN_KEY: ADMIN_KEY,
      PIGEONPOST_PORT: '0',
      PIGEONPOST_TEMPORAL_PORT: String(temporalPort),
      PIGEONPOST_TEMPORAL_UI_PORT: String(uiPort),
      PIGEONPOST_POSTGRES_PORT: String(postgresPort),
    },
    '--json',
  );
  try {
    const started = await eventually(
      async () => /^\{"url":"(http:[^"]+)"/m.exec(running.printed())?.[1],
      (url) => url !== undefined,
      150_000,
    );
    const url = started!;
    const own = [Number(new URL(url).port), temporalPort, uiPort, postgresPort];
    const forbidden = own.flatMap((port) => [`http://127.0.0.1:${port}/`, `http://localhost:${port}/`]);
    const account = (await askAt(url, 'POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
    for (const address of [...forbidden, receiver.url]) {
      const fields = { url: address, eventTypes: [] };
      expect((await askAt(url, 'POST', `/v1/accounts/${account.id}/subscriptions`, fields)).status).toBe(201);
    }
    await askAt(url, 'POST', `/v1/accounts/${account.id}/events`, { type: 'user.created', data: {} });
    const query = `/v1/deliveries?accountId=${account.id}`;
    const outcomes = await eventually(
      async () => {
        const { data } = (await askAt(url, 'GET', query)).body as { data: Record<string, unknown>[] };
        return data.map(({ state, lastReason }) => `${String(state)} ${String(lastReason)}`).sort();
      },
      (found) => found.length === forbidden.length + 1 && found.every((each) => !each.startsWith('pending')),
      100_000,
    );
    expect(outcomes).toEqual(['delivered null', ...forbidden.map(() => 'retrying blocked')]);
  } finally {
    running.signal('SIGTERM');
    await running.ended;
    await receiver.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
