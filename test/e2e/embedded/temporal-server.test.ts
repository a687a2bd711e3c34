import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Client, Connection } from '@temporalio/client';
import { type DataDir } from '../../../src/embedded/data-dir.js';
import { isFree, pickPort } from '../../../src/embedded/ports.js';
import { startTemporalServer, type TemporalServer } from '../../../src/embedded/temporal-server.js';
import { memoryLog, temporaryDataDir, undoAfterEach, until } from '../../support/embedded.js';

const undo = undoAfterEach();

async function start(dataDir: DataDir, log = memoryLog(), port?: number): Promise<TemporalServer> {
  const cli = process.env.PIGEONPOST_TEST_TEMPORAL_CLI!;
  const searchAttributes = { Colour: 'Keyword', Size: 'Int' } as const;
  const [free, uiPort] = [await pickPort(), await pickPort()];
  const server = await startTemporalServer({ cli, dataDir, log, port: port ?? free, uiPort, searchAttributes });
  undo(() => server.stop());
  return server;
}

async function client({ address }: TemporalServer): Promise<Client> {
  const connection = await Connection.connect({ address });
  undo(() => connection.close());
  return new Client({ connection });
}

test('keeps its workflows, with the search attributes, through a stop and a kill', async () => {
  const dataDir = await temporaryDataDir(undo);
  const first = await start(dataDir);
  const attributes = await (
    await client(first)
  ).connection.operatorService.listSearchAttributes({ namespace: 'default' });
  expect(Object.keys(attributes.customAttributes)).toEqual(expect.arrayContaining(['Colour', 'Size']));
  const { workflow } = await client(first);
  await workflow.start('waits', { taskQueue: 'nobody', workflowId: 'kept', searchAttributes: { Colour: ['grey'] } });
  const files = ['', '-wal', '-shm'].map((suffix) => dataDir.file(`temporal.db${suffix}`));
  const modes = () => Promise.all(files.map(async (file) => (await stat(file)).mode & 0o777));
  expect(await modes()).toEqual([0o600, 0o600, 0o600]);
  await first.stop();
  expect(first.pid).toBeUndefined();
  // As a former version left it.
  await chmod(files[0]!, 0o644);

  const log = memoryLog();
  const second = await start(dataDir, log);
  expect(await modes()).toEqual([0o600, 0o600, 0o600]);
  const killed = second.pid!;
  process.kill(killed, 'SIGKILL');
  await until(() => log.lines.includes('Temporal runs again'));
  expect(second.pid).not.toBe(killed);
  const described = await (await client(second)).workflow.getHandle('kept').describe();
  expect(described.status.name).toBe('RUNNING');
});

test('begins with fairness, and leaves a queue that began without as it is', async () => {
  const dataDir = await temporaryDataDir(undo);
  const mark = dataDir.file('temporal-fairness');
  await (await start(dataDir)).stop();
  expect(existsSync(mark)).toBe(true);
  // As a former version left it.
  await rm(mark);
  await (await start(dataDir)).stop();
  expect(existsSync(mark)).toBe(false);
});

test('opens data of an older release, and keeps its workflows', async () => {
  const dataDir = await temporaryDataDir(undo);
  // Written by CLI 1.5.1 with server 1.29.1: a workflow waits in it.
  const older = gunzipSync(await readFile(join(__dirname, 'temporal-1.29.1.db.gz')));
  await writeFile(dataDir.file('temporal.db'), older);
  const log = memoryLog();
  const first = await start(dataDir, log);
  expect(log.lines).toEqual([expect.stringMatching(/^Bringing Temporal's data to the schema of temporal version/)]);
  const { workflow, schedule } = await client(first);
  expect((await workflow.getHandle('kept').describe()).status.name).toBe('RUNNING');
  const options = { taskQueue: 'nobody', searchAttributes: { Colour: ['grey'] } };
  await workflow.start('waits', { ...options, workflowId: 'new' });
  // As of server 1.32 a schedule needs a table that older releases do not have.
  const action = { ...options, type: 'startWorkflow' as const, workflowType: 'waits' };
  await schedule.create({ scheduleId: 'hourly', spec: { intervals: [{ every: '1h' }] }, action });
  await until(async () => (await workflow.count("Colour = 'grey'")).count === 2);
  await workflow.getHandle('kept').terminate();
  await first.stop();

  const again = memoryLog();
  const second = await start(dataDir, again);
  expect(again.lines).toEqual([]);
  const described = await (await client(second)).workflow.getHandle('new').describe();
  expect(described.status.name).toBe('RUNNING');
});

test('stops one that a killed run left behind', async () => {
  const dataDir = await temporaryDataDir(undo);
  const [port, uiPort] = [await pickPort(), await pickPort()];
  const left = spawn(
    process.env.PIGEONPOST_TEST_TEMPORAL_CLI!,
    ['server', 'start-dev', '-f', dataDir.file('temporal.db'), '--port', String(port), '--ui-port', String(uiPort)],
    { detached: true, stdio: 'ignore' },
  );
  const ended = once(left, 'exit');
  await writeFile(dataDir.file('temporal.pid'), `${left.pid}\n`);
  await until(async () => !(await isFree(port)));

  const log = memoryLog();
  await start(dataDir, log, port);
  await ended;
  expect(log.lines).toEqual([
    `Stopping Temporal of an earlier run (process ${left.pid})`,
    // It has not written which release it is of.
    expect.stringMatching(/^Bringing Temporal's data to the schema of /),
  ]);
});

test('says which port is taken and how to change it', async () => {
  const port = await pickPort();
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  undo(async () => other.close());
  await expect(start(await temporaryDataDir(undo), memoryLog(), port)).rejects.toMatchObject({
    message: `Port ${port} for the embedded Temporal server is already in use.`,
    hint: expect.stringContaining('PIGEONPOST_TEMPORAL_PORT'),
  });
});
