import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine } from '../../../src/embedded/processes.js';
import { ServerProcess, serverEnvironment, type ServerSpec } from '../../../src/embedded/server-process.js';
import { memoryLog, temporaryFolder, undoAfterEach, until } from '../../support/embedded.js';

const undo = undoAfterEach();

/** A "server" that is a shell script; it responds once it has printed "ready". */
async function spec(script: string, changes: Partial<ServerSpec> = {}): Promise<ServerSpec> {
  const folder = await temporaryFolder(undo);
  const logFile = join(folder, 'server.log');
  return {
    name: 'Server',
    file: 'sh',
    args: ['-c', script],
    logFile,
    pidFile: join(folder, 'server.pid'),
    responds: async () => (await readFile(logFile, 'utf8')).includes('ready'),
    startTimeoutMs: 10_000,
    stopSignals: ['SIGTERM'],
    maxStopMs: 300,
    ...changes,
  };
}

const SLEEP = 'echo ready; exec sleep 60';

async function start(server: ServerSpec, log = memoryLog()): Promise<ServerProcess> {
  const started = await ServerProcess.start(server, log);
  undo(() => started.stop());
  return started;
}

test('runs until it is stopped, in a process group of its own', async () => {
  const server = await spec(SLEEP);
  const process = await start(server);
  const { pid } = process;
  expect(Number(await readFile(server.pidFile!, 'utf8'))).toBe(pid);
  const group = (await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')).split(') ')[1]?.split(' ')[2];
  if (group !== undefined) expect(Number(group)).toBe(pid);
  await process.stop();
  await process.stop();
  expect(process.pid).toBeUndefined();
  expect(await commandLine(pid!)).toBe('');
  await expect(stat(server.pidFile!)).rejects.toThrow(/ENOENT/);
});

test('is started again when it dies', async () => {
  const log = memoryLog();
  const server = await spec(SLEEP);
  const started = await start(server, log);
  const first = started.pid!;
  process.kill(first, 'SIGKILL');
  await until(() => started.pid !== undefined && started.pid !== first && log.lines.length === 2);
  expect(log.lines).toEqual([
    `Server stopped unexpectedly (SIGKILL); starting it again. More is in ${server.logFile}`,
    'Server runs again',
  ]);
});

test('can be stopped while it waits to be started again', async () => {
  const log = memoryLog();
  const started = await start(await spec(SLEEP), log);
  process.kill(started.pid!, 'SIGKILL');
  await until(() => log.lines.length > 0);
  await started.stop();
  expect(started.pid).toBeUndefined();
});

test('is killed when it does not stop on request', async () => {
  const started = await start(await spec('trap "" TERM; echo ready; while true; do sleep 0.05; done'));
  const { pid } = started;
  await started.stop();
  expect(await commandLine(pid!)).toBe('');
});

test('says why it did not start', async () => {
  const server = await spec('echo starting; echo "FATAL: no memory."; echo bye; exit 4');
  await expect(ServerProcess.start(server, memoryLog())).rejects.toMatchObject({
    message: 'Server did not start (exit code 4): FATAL: no memory.',
    hint: `More is in ${server.logFile}.`,
    output: expect.stringContaining('bye'),
  });
  const missing = await spec('', { file: '/no/such/server' });
  await expect(ServerProcess.start(missing, memoryLog())).rejects.toThrow(/did not start \(spawn .* ENOENT\)/);
});

test('is not left running when it never responds', async () => {
  const server = await spec('echo $$; exec sleep 60', { startTimeoutMs: 200 });
  await expect(ServerProcess.start(server, memoryLog())).rejects.toThrow(/no response after 0 s/);
  expect(await commandLine(Number(await readFile(server.logFile, 'utf8')))).toBe('');
});

test('does not hand our settings and secrets on', () => {
  const ours = {
    PIGEONPOST_ADMIN_KEY: 'x',
    DATABASE_URL: 'x',
    TEMPORAL_API_KEY: 'x',
    PGDATA: 'x',
    LC_MESSAGES: 'de_DE',
  };
  expect(serverEnvironment({ ...ours, PATH: '/bin' })).toEqual({ PATH: '/bin', LC_ALL: 'C' });
});
