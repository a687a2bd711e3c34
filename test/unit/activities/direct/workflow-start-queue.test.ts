/** Starting workflows after a sender. */
import type { Client } from '@temporalio/client';
import { WorkflowStartQueue } from '../../../../src/activities/direct/workflow-start-queue.js';
import type { UnrecordedOutcome } from '../../../../src/workflows/types.js';
import type { AttemptMaterial } from '../../../../src/store/attempts/attempts.js';

const delivery = (number: number): AttemptMaterial =>
  ({
    account: { id: 'acc_1', provider: 'standard', dispatchWeight: 1 },
    delivery: { id: `dlv_${number}` },
    event: { type: 'user.created' },
    subscription: { id: 'sub_1', url: 'https://hooks.example.com/in' },
  }) as unknown as AttemptMaterial;

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A queue whose starts end when `endAll` is called. */
function parts() {
  const ends: (() => void)[] = [];
  const client = {
    withDeadline: (_deadline: number, work: () => Promise<unknown>) => work(),
    workflow: { start: () => new Promise<void>((resolve) => ends.push(resolve)) },
  } as unknown as Client;
  const lease = { id: 'snd_1', isFresh: true };
  const started: string[] = [];
  const failed: string[] = [];
  const queue = new WorkflowStartQueue({ client, eager: false }, lease, {
    onStarted: (id) => started.push(id),
    onFailed: (id, senderId) => failed.push(`${id} of ${senderId}`),
  });
  const endAll = async () => {
    for (const end of ends.splice(0)) end();
    await settle();
  };
  return { queue, lease, started, failed, endAll };
}

test('completes what holds an outcome when it stops, and drops what others can start', async () => {
  const { queue, started, endAll } = parts();
  for (let number = 1; number <= 21; number += 1) queue.add(delivery(number));
  const outcome = { deliveryId: 'dlv_22' } as UnrecordedOutcome;
  queue.add(delivery(22), { kind: 'unrecorded', outcome });
  const stopped = queue.stop();
  await endAll();
  await endAll();
  await stopped;
  expect(started).toHaveLength(21);
  expect(started).toContain('dlv_22');
  expect(started).not.toContain('dlv_21');
});

test('starts no workflow that would make the first attempt once the lease of its sender has expired', async () => {
  const { queue, lease, started, failed, endAll } = parts();
  // Twenty at once, so two wait.
  for (let number = 1; number <= 21; number += 1) queue.add(delivery(number));
  queue.add(delivery(22), { kind: 'scheduled', position: 1, at: 0 });
  lease.id = 'snd_2';
  await endAll();
  await endAll();
  expect(failed).toEqual(['dlv_21 of snd_1']);
  expect(started).toHaveLength(21);
  expect(started).toContain('dlv_22');
});
