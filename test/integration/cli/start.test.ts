import { eventually } from '../../support/eventually.js';

jest.mock('../../../src/server/run.js', () => ({ api: () => Promise.reject(new Error('no database')) }));

test('a command that cannot start ends its process, whatever keeps that alive', async () => {
  const exit = jest.spyOn(process, 'exit').mockImplementation(() => undefined as never);
  const print = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  process.argv = ['node', 'pigeonpost', 'api'];
  await import('../../../src/cli/main.js');
  await eventually(
    async () => print.mock.calls.length,
    (count) => count > 0,
  );
  expect(exit).toHaveBeenCalledWith(1);
});
