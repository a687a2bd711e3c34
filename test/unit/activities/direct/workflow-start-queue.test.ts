/** Starting workflows after a sender. */
import type { Client } from '@temporalio/client';
import { WorkflowStartQueue } from '../../../../src/activities/direct/workflow-start-queue.js';
import type { DirectDelivery } from '../../../../src/store/direct/material.js';

const delivery = (number: number): DirectDelivery =>
  ({
    account: { id: 'acc_1', provider: 'standard', dispatchWeight: 1 },
    delivery: { id: `dlv_${number}` },
    event: { type: 'user.created' },
    subscription: { id: 'sub_1', url: 'https://hooks.example.com/in' },
  }) as unknown as DirectDelivery;

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('starts no workflow that would make the first attempt once the lease of its sender has expired', async () => {
  const ends: (() => void)[] = [];
  const client = {
    withDeadline: (_deadline: number, work: () => Promise<unknown>) => work(),
    workflow: { start: () => new Promise<void>((resolve) => ends.push(resolve)) },
  } as unknown as Client;
  const lease = { id: 'snd_1', isFresh: true };
  const [started, failed]: string[][] = [[], []];
  const queue = new WorkflowStartQueue({ client, eager: false }, lease, {
    onStarted: (id) => started!.push(id),
    onFailed: (id, senderId) => failed!.push(`${id} of ${senderId}`),
  });
  // Twenty at once, so two wait.
  for (let number = 1; number <= 21; number += 1) queue.add(delivery(number));
  queue.add(delivery(22), { kind: 'scheduled', position: 1, at: 0 });
  lease.id = 'snd_2';
  for (const end of ends.splice(0)) end();
  await settle();
  for (const end of ends.splice(0)) end();
  await settle();
  expect(failed).toEqual(['dlv_21 of snd_1']);
  expect(started).toHaveLength(21);
  expect(started).toContain('dlv_22');
});
