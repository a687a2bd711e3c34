/** What the log says when the SDK reports something. */
import '../../support/watch-runtime.js';
import { Writable } from 'node:stream';
import { Runtime } from '@temporalio/worker';
import pino from 'pino';
import { installRuntime } from '../../../src/temporal/connection.js';
import { eventually } from '../../support/eventually.js';

afterAll(() => Runtime.instance().shutdown());

test('an error that the SDK reports is logged with its message and stack', async () => {
  const lines: string[] = [];
  const stream = new Writable({ write: (chunk: Buffer, _encoding, done) => done(void lines.push(chunk.toString())) });
  installRuntime(pino(stream));
  const meta = { sdkComponent: 'activity', taskToken: 'secret', activityId: '7', error: new Error('no such column') };
  Runtime.instance().logger.warn('Activity failed', meta);
  await eventually(
    async () => lines.length,
    (count) => count > 0,
  );
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    {
      msg: 'Activity failed',
      activityId: '7',
      err: { message: 'no such column', stack: expect.stringContaining('at ') },
    },
  ]);
  expect(lines.join()).not.toMatch(/secret|"error"/);
});
