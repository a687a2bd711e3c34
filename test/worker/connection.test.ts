/** The lazy connection to Temporal while nothing answers there. */
import { pickPort } from '../../src/embedded/ports';
import { lazyTemporal } from '../../src/worker/connection';

/** gRPC's code for a call that was given up by its caller. */
const CANCELLED = 1;

test('ends a call with an error, and throws from no timer, when it is closed before the call is retried', async () => {
  const { client, close } = lazyTemporal({ address: `127.0.0.1:${await pickPort()}` }, 'default');
  const asked = client.workflowService.getSystemInfo({});
  await close();
  await expect(asked).rejects.toMatchObject({ code: CANCELLED });
});

test('ends a call that was begun after it was closed', async () => {
  const { client, close } = lazyTemporal({ address: `127.0.0.1:${await pickPort()}` }, 'default');
  await close();
  await expect(async () => client.workflowService.getSystemInfo({})).rejects.toThrow('Channel has been shut down');
});
