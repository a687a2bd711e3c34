import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openDataDir } from '../../../src/embedded/data-dir.js';
import { takeLock } from '../../../src/embedded/file-lock.js';
import { birth, commandLine, exists } from '../../../src/embedded/processes.js';
import { temporaryFolder, undoAfterEach } from '../../support/embedded.js';

const undo = undoAfterEach();
/** More than any system gives out. */
const NOBODY = 2 ** 22 + 1;

test('is for this user alone, and so is what is in it', async () => {
  const dataDir = await openDataDir(join(await temporaryFolder(undo), 'deep', 'data'));
  expect((await stat(dataDir.path)).mode & 0o777).toBe(0o700);
  expect((await stat(dataDir.file('logs'))).mode & 0o777).toBe(0o700);
});

test('is closed to others when it was open to them', async () => {
  const path = await temporaryFolder(undo);
  await chmod(path, 0o755);
  const dataDir = await openDataDir(path);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  // A process that finds it in use changes nothing: PostgreSQL may need to pass through.
  await chmod(path, 0o711);
  await expect(openDataDir(path)).rejects.toThrow('already runs here');
  expect((await stat(path)).mode & 0o777).toBe(0o711);
  await dataDir.release();
});

test.each(['damaged', 'deleted'])('belongs to the process whose servers run when its lock was %s', async (how) => {
  const path = await temporaryFolder(undo);
  const dataDir = await openDataDir(path);
  const server = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', dataDir.file('temporal.db')]);
  undo(async () => server.kill('SIGKILL'));
  await once(server, 'spawn');
  await writeFile(dataDir.file('temporal.pid'), `${server.pid}\n`);
  if (how === 'damaged') await writeFile(dataDir.file('lock'), 'half a lo');
  else await rm(dataDir.file('lock'));
  await expect(openDataDir(path)).rejects.toThrow(`Pigeonpost already runs here (pid ${process.pid}).`);
  server.kill('SIGKILL');
  await once(server, 'exit');
  await (await openDataDir(path)).release();
  await dataDir.release();
});

test('belongs to one process until it is released', async () => {
  const path = await temporaryFolder(undo);
  const first = await openDataDir(path);
  await expect(openDataDir(path)).rejects.toThrow(`Pigeonpost already runs here (pid ${process.pid}).`);
  await first.release();
  await (await openDataDir(path)).release();
});

test('says so when it cannot be written', async () => {
  const file = join(await temporaryFolder(undo), 'file');
  await writeFile(file, '');
  await expect(openDataDir(join(file, 'data'))).rejects.toThrow(/ENOTDIR/);
});

describe('a lock', () => {
  test.each([
    ['a process that has ended', { pid: NOBODY, birth: '' }],
    ['an earlier process with the same id', { pid: process.pid, birth: 'before' }],
    ['no one who can be identified', 'half a lo'],
  ])('of %s is taken over', async (_whose, content) => {
    const file = join(await temporaryFolder(undo), 'lock');
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    expect(await takeLock(file)).toMatchObject({ acquired: true });
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ pid: process.pid, birth: await birth(process.pid) });
  });

  test('is taken over by one only', async () => {
    const file = join(await temporaryFolder(undo), 'lock');
    await writeFile(file, JSON.stringify({ pid: NOBODY, birth: '' }));
    const locks = await Promise.all(Array.from({ length: 20 }, () => takeLock(file)));
    expect(locks.filter(({ acquired }) => acquired)).toHaveLength(1);
  });

  test('that cannot be made is an error', async () => {
    const folder = join(await temporaryFolder(undo), 'lock');
    await mkdir(folder);
    await expect(takeLock(folder)).rejects.toThrow(/EISDIR/);
  });
});

test('says processes', async () => {
  expect(exists(process.pid)).toBe(true);
  expect(exists(NOBODY)).toBe(false);
  expect(await commandLine(process.pid)).toContain('node');
  expect(await commandLine(NOBODY)).toBe('');
  expect(await birth(process.pid)).not.toBe('');
  expect(await birth(process.pid)).not.toBe(await birth(1));
});
