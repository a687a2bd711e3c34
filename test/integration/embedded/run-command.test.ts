import { runCommand, type CommandOptions } from '../../../src/embedded/run-command.js';
import { memoryLog } from '../../support/embedded.js';

const run = (script: string, options: Partial<CommandOptions> = {}) =>
  runCommand('sh', ['-c', script], { doing: 'Trying', log: memoryLog(), timeoutMs: 10_000, ...options });

test('gives what was printed', async () => {
  expect(await run('echo out; echo err >&2')).toContain('out\n');
});

test.each([
  ['exit 3', 'ended with exit code 3'],
  ['echo first; echo "Error: broken"; echo last; exit 1', 'Error: broken'],
  ['echo first; echo last; exit 1', 'last'],
  ['kill -9 $$', 'ended with SIGKILL'],
])('%s fails with %s', async (script, message) => {
  await expect(run(script)).rejects.toThrow(message);
});

test('gives up after its time, or when asked', async () => {
  await expect(run('exec sleep 60', { timeoutMs: 1 })).rejects.toThrow(/^not done after 0 s$/);
  await expect(run('exec sleep 60', { giveUp: () => 'nothing came' })).rejects.toThrow(/^nothing came$/);
});

test('says so when there is no such program', async () => {
  await expect(runCommand('no-such-program', [], { doing: '', log: memoryLog(), timeoutMs: 1 })).rejects.toThrow(
    /ENOENT/,
  );
});
