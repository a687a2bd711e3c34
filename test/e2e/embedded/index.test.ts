import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../../../src/config/config.js';
import { startEmbedded } from '../../../src/embedded/index.js';
import { openDataDir } from '../../../src/embedded/data-dir.js';
import { isFree, pickPort } from '../../../src/embedded/ports.js';
import { memoryLog, temporaryFolder, undoAfterEach } from '../../support/embedded.js';

const undo = undoAfterEach();
const options = () => ({ searchAttributes: {}, log: memoryLog() });

async function settings(): Promise<NodeJS.ProcessEnv> {
  return {
    HOME: await temporaryFolder(undo),
    PIGEONPOST_DATA_DIR: join(await temporaryFolder(undo), 'data'),
    PIGEONPOST_POSTGRES_PORT: String(await pickPort()),
    PIGEONPOST_TEMPORAL_PORT: String(await pickPort()),
    PIGEONPOST_TEMPORAL_UI_PORT: String(await pickPort()),
    PIGEONPOST_TEMPORAL_CLI: process.env.PIGEONPOST_TEST_TEMPORAL_CLI,
  };
}

test('starts nothing when both are external', async () => {
  const config = loadConfig({
    ...(await settings()),
    DATABASE_URL: 'postgres://db/x',
    TEMPORAL_ADDRESS: 'temporal:7233',
  });
  const embedded = await startEmbedded(config, options());
  expect(embedded).toMatchObject({
    databaseUrl: 'postgres://db/x',
    temporal: { address: 'temporal:7233', namespace: 'default', connectionOptions: { address: 'temporal:7233' } },
  });
  await embedded.stop();
  await expect(stat(config.dataDir)).rejects.toThrow(/ENOENT/);
});

test('starts both, holds the data folder, and stops both', async () => {
  const config = loadConfig(await settings());
  const embedded = await startEmbedded(config, options());
  undo(() => embedded.stop());
  expect(new URL(embedded.databaseUrl)).toMatchObject({ port: String(config.postgresPort), pathname: '/pigeonpost' });
  const address = `127.0.0.1:${config.temporalPort}`;
  expect(embedded.temporal).toEqual({ address, namespace: 'default', connectionOptions: { address } });
  await expect(startEmbedded(config, options())).rejects.toThrow(/already runs here/);
  await Promise.all([embedded.stop(), embedded.stop()]);
  expect([await isFree(config.postgresPort!), await isFree(config.temporalPort)]).toEqual([true, true]);
  await (await openDataDir(config.dataDir)).release();
});

test('leaves nothing behind when one cannot start', async () => {
  const config = loadConfig(await settings());
  const failing = { ...config, temporalCli: '/no/such/temporal' };
  await expect(startEmbedded(failing, options())).rejects.toThrow(/cannot be used/);
  expect(await isFree(config.postgresPort!)).toBe(true);
  await (await openDataDir(config.dataDir)).release();
});
