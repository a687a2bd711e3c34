import { spawn } from 'node:child_process';
import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { Client } from 'pg';
import { type DataDir } from '../../../src/embedded/data-dir.js';
import { pickPort } from '../../../src/embedded/ports.js';
import { startPostgres, type EmbeddedPostgres } from '../../../src/embedded/postgres.js';
import { postgresBinaries } from '../../../src/embedded/postgres-binaries.js';
import { postgresUser } from '../../../src/embedded/postgres-user.js';
import { commandLine } from '../../../src/embedded/processes.js';
import { memoryLog, temporaryDataDir, undoAfterEach, until } from '../../support/embedded.js';

const undo = undoAfterEach();

// Creating a cluster takes most of the time, so the tests share one, each with a server of its own.
let dataDir: DataDir;
const removals: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  dataDir = await temporaryDataDir((remove) => removals.push(remove));
});
afterAll(() => Promise.all(removals.map((remove) => remove())));

async function start({ port, log = memoryLog() }: { port?: number; log?: ReturnType<typeof memoryLog> } = {}) {
  const postgres = await startPostgres({ dataDir, log, durable: false, ...(port !== undefined && { port }) });
  undo(() => postgres.stop());
  return postgres;
}

async function query({ url }: Pick<EmbeddedPostgres, 'url'>, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function occupy(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  undo(async () => server.close());
}

test('keeps its data, password and port', async () => {
  const first = await start();
  await query(first, 'create table kept as select 1 as n');
  await first.stop();
  expect(await commandLine(first.pid ?? 0)).toBe('');
  const second = await start();
  expect(second.url).toBe(first.url);
  expect(await query(second, 'select * from kept')).toEqual([{ n: 1 }]);
  await expect(query({ url: second.url.replace(/:[^:@]+@/, ':guessed@') }, 'select 1')).rejects.toThrow(/password/);
});

test('is durable unless configured otherwise, and listens on this machine only', async () => {
  const postgres = await startPostgres({ dataDir, log: memoryLog() });
  undo(() => postgres.stop());
  const settings = `select name, setting from pg_settings where name in
    ('fsync', 'synchronous_commit', 'full_page_writes', 'listen_addresses', 'unix_socket_directories', 'max_connections',
     'server_encoding', 'password_encryption', 'TimeZone') order by name`;
  expect(Object.fromEntries((await query(postgres, settings)).map(({ name, setting }) => [name, setting]))).toEqual({
    TimeZone: 'UTC',
    fsync: 'on',
    full_page_writes: 'on',
    listen_addresses: '127.0.0.1',
    max_connections: '200',
    password_encryption: 'scram-sha-256',
    server_encoding: 'UTF8',
    synchronous_commit: 'on',
    unix_socket_directories: '',
  });
});

test('recovers by itself when it is killed', async () => {
  const log = memoryLog();
  const postgres = await start({ log });
  await query(postgres, 'create table survived as select 1 as n');
  const killed = postgres.pid!;
  process.kill(killed, 'SIGKILL');
  await until(() => log.lines.includes('PostgreSQL runs again'));
  expect(postgres.pid).not.toBe(killed);
  expect(await query(postgres, 'select * from survived')).toEqual([{ n: 1 }]);
});

test('stops one that a killed run left behind', async () => {
  const former = await start();
  await query(former, 'create table stayed as select 1 as n');
  await former.stop();
  const binaries = await postgresBinaries();
  const user = await postgresUser(binaries, dataDir.path);
  const port = await pickPort();
  const options = ['-D', dataDir.file('postgres'), '-c', 'unix_socket_directories=', '-c', `port=${port}`];
  const { file, args } = user.command(binaries.postgres, options);
  const left = spawn(file, args, { ...user.as, detached: true, stdio: 'ignore' });
  const ended = once(left, 'exit');
  await until(() =>
    query({ url: former.url.replace(/:\d+\//, `:${port}/`) }, 'select 1').then(
      () => true,
      () => false,
    ),
  );

  const log = memoryLog();
  const postgres = await start({ log });
  await ended;
  expect(log.lines).toEqual([`Stopping PostgreSQL of an earlier run (process ${left.pid})`]);
  expect(await query(postgres, 'select * from stayed')).toEqual([{ n: 1 }]);
});

test('does not mind that another process has the id of a killed one', async () => {
  await (await start()).stop();
  await writeFile(dataDir.file('postgres', 'postmaster.pid'), `${process.pid}\n${dataDir.file('postgres')}\n`);
  expect(await query(await start(), 'select 1 as n')).toEqual([{ n: 1 }]);
});

test('takes another port when the kept one is taken, but not when its port was configured', async () => {
  const first = await start();
  await first.stop();
  await occupy(first.port);
  const second = await start();
  expect(second.port).not.toBe(first.port);
  await second.stop();
  await expect(start({ port: first.port })).rejects.toMatchObject({
    message: `Port ${first.port} for PostgreSQL is already in use.`,
    hint: expect.stringContaining('PIGEONPOST_POSTGRES_PORT'),
  });
  const port = await pickPort();
  expect((await start({ port })).port).toBe(port);
});

test('says so when its password is lost or wrong', async () => {
  await (await start()).stop();
  const file = dataDir.file('postgres-password');
  const password = await readFile(file, 'utf8');
  await rm(file);
  await expect(start()).rejects.toThrow(`${file} is missing`);
  await writeFile(file, 'another');
  await expect(start()).rejects.toThrow(/refuses the password/);
  await expect(access(dataDir.file('postgres', 'postmaster.pid'))).rejects.toThrow(/ENOENT/);
  await writeFile(file, password);
  await start();
});
