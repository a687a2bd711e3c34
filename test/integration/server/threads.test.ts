/** There are threads enough for looking up names, whichever way a process is started. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { UV_THREADPOOL_SIZE: given } = process.env;
afterEach(() => {
  if (given === undefined) delete process.env.UV_THREADPOOL_SIZE;
  else process.env.UV_THREADPOOL_SIZE = given;
  jest.resetModules();
});

test.each([
  [undefined, '64'],
  ['8', '8'],
])('a process that is given %p has %s', async (size, expected) => {
  delete process.env.UV_THREADPOOL_SIZE;
  if (size !== undefined) process.env.UV_THREADPOOL_SIZE = size;
  await import('../../../src/server/threads.js');
  expect(process.env.UV_THREADPOOL_SIZE).toBe(expected);
});

/** Stands in for `run.mjs`: keeps 32 threads waiting for a pipe that no one writes to, then needs another one. */
const PROBE = `
import { open, stat, writeSync } from 'node:fs';
for (let count = 0; count < 32; count += 1) open(process.argv[2], 'r', () => undefined);
stat('.', () => {
  writeSync(1, 'a thread is left');
  process.kill(process.pid, 'SIGKILL');
});
`;

test('npm start sets their number before the first of them is used', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pigeonpost-threads-'));
  try {
    copyFileSync(join(__dirname, '../../../scripts/run.cjs'), join(folder, 'run.cjs'));
    writeFileSync(join(folder, 'run.mjs'), PROBE);
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const { UV_THREADPOOL_SIZE: _, ...env } = process.env;
    const run = () =>
      execFileSync(process.execPath, [join(folder, 'run.cjs'), join(folder, 'pipe')], {
        env,
        // Without a thread left it waits forever.
        timeout: 30_000,
        killSignal: 'SIGKILL',
        encoding: 'utf8',
      });
    expect(run).toThrow(expect.objectContaining({ stdout: 'a thread is left' }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
