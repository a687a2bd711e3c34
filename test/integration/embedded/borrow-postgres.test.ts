import { Client } from 'pg';
import { borrowPostgres } from '../../../src/embedded/borrow-postgres.js';
import { openDataDir } from '../../../src/embedded/data-dir.js';
import { startPostgres } from '../../../src/embedded/postgres.js';
import { memoryLog, temporaryDataDir, undoAfterEach } from '../../support/embedded.js';

const undo = undoAfterEach();

async function response(url: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query('SELECT current_database() AS name')).rows[0];
  } finally {
    await client.end();
  }
}

test('uses the server that runs, and starts and stops one where none does', async () => {
  const dataDir = await temporaryDataDir(undo);
  const log = memoryLog();
  const postgres = await startPostgres({ dataDir, log, durable: false });
  undo(() => postgres.stop());

  const running = await borrowPostgres(dataDir.path, log);
  expect(running).toMatchObject({ url: postgres.url, alone: false });
  await running.giveBack();
  expect(await response(postgres.url)).toEqual({ name: 'pigeonpost' });

  await postgres.stop();
  // What still holds the folder may be about to start it again.
  await expect(borrowPostgres(dataDir.path, log)).rejects.toThrow('Pigeonpost already runs here');
  await dataDir.release();

  const started = await borrowPostgres(dataDir.path, log);
  undo(() => started.giveBack());
  expect(started.alone).toBe(true);
  expect(await response(started.url)).toEqual({ name: 'pigeonpost' });
  await started.giveBack();
  await (await openDataDir(dataDir.path)).release();
});
