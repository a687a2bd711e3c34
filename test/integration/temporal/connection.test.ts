/** The lazy connection to Temporal while nothing responds there. */
import { pickPort } from '../../../src/embedded/ports.js';
import { lazyTemporal } from '../../../src/temporal/connection.js';
import { eventually } from '../../support/eventually.js';

/** gRPC's code for a call that its caller gave up. */
const CANCELLED = 1;

test('ends a call with an error, and throws from no timer, when it is closed while the SDK waits to retry', async () => {
  const timers = jest.spyOn(global, 'setTimeout');
  const { client, close } = lazyTemporal({ address: `127.0.0.1:${await pickPort()}` }, 'default');
  const call = client.workflowService.getSystemInfo({}).then(
    () => 'responded',
    (error: { code: number }) => error.code,
  );
  await eventually(
    async () => timers.mock.calls.some(([callback]) => callback.name === 'retry'),
    (waits) => waits,
  );
  await close();
  expect(await call).toBe(CANCELLED);
});
