import { Worker } from '@temporalio/worker';
import pino from 'pino';
import { startWorker, type WorkerSettings } from '../../../src/server/worker.js';
import { eventually } from '../../support/eventually.js';

// Loading the SDK's worker takes seconds, and so does its wait before a replacement: a hundredth of it is enough here.
jest.mock('@temporalio/worker', () => ({ Worker: { create: () => undefined } }));
jest.mock('@temporalio/client', () => ({ Client: class {} }));
// A sender needs a database.
jest.mock('../../../src/activities/direct/sender.js', () => ({
  Sender: class {
    start = async () => undefined;
    stop = async () => undefined;
  },
}));
jest.mock('node:timers/promises', () => {
  const timers = jest.requireActual<typeof import('node:timers/promises')>('node:timers/promises');
  return {
    ...timers,
    setTimeout: (ms: number, value: unknown, options: object) => timers.setTimeout(ms / 100, value, options),
  };
});

/** Stands in for a worker that runs until it is asked to stop, or fails at once. */
function fakeWorker(run: 'fails' | 'goes on'): Worker {
  let state = 'INITIALIZED';
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const fake = {
    getState: () => state,
    run: () => {
      state = 'RUNNING';
      return run === 'fails' ? Promise.reject(new Error('the poller has stopped')) : ended;
    },
    shutdown: () => {
      state = 'STOPPED';
      end();
    },
  };
  return fake as unknown as Worker;
}

const settings = { log: pino({ level: 'silent' }) } as WorkerSettings;

afterEach(() => void jest.restoreAllMocks());

test('a worker that failed is replaced, also when the first tries to make another fail', async () => {
  const replacement = fakeWorker('goes on');
  const create = jest
    .spyOn(Worker, 'create')
    .mockResolvedValueOnce(fakeWorker('fails'))
    .mockRejectedValueOnce(new Error('Temporal is unavailable'))
    .mockResolvedValue(replacement);
  const running = await startWorker(settings);
  await eventually(
    async () => replacement.getState(),
    (state) => state === 'RUNNING',
  );
  expect(create).toHaveBeenCalledTimes(3);
  await running.stop();
  expect(replacement.getState()).toBe('STOPPED');
});

test('a worker that is being replaced can be stopped', async () => {
  const create = jest.spyOn(Worker, 'create').mockResolvedValueOnce(fakeWorker('fails'));
  create.mockRejectedValue(new Error('Temporal is unavailable'));
  const running = await startWorker(settings);
  await eventually(
    async () => create.mock.calls.length,
    (calls) => calls > 1,
  );
  await running.stop();
});

test('a worker that was made while it was asked to stop stops too', async () => {
  let give = (_worker: Worker): void => undefined;
  const late = fakeWorker('goes on');
  const create = jest.spyOn(Worker, 'create').mockResolvedValueOnce(fakeWorker('fails'));
  create.mockImplementation(() => new Promise((resolve) => (give = resolve)));
  const running = await startWorker(settings);
  await eventually(
    async () => create.mock.calls.length,
    (calls) => calls > 1,
  );
  const stopped = running.stop();
  give(late);
  await stopped;
  expect(late.getState()).toBe('STOPPED');
});

test('the first worker has to be made', async () => {
  jest.spyOn(Worker, 'create').mockRejectedValue(new Error('no such namespace'));
  await expect(startWorker(settings)).rejects.toThrow('no such namespace');
});
