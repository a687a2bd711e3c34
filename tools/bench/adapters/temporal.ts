/** The floor of a workflow per delivery: one that has a single activity, which does no more than send a request. */
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { nowMs } from '../clock.js';
import type { single } from '../floor/workflow.js';
import type { Adapter, CreateAdapter, Receiver } from './types.js';

const TASK_QUEUE = 'bench';

/** Worker and client share a process and a connection, with the worker's settings those of Pigeonpost. */
export const createAdapter: CreateAdapter = async ({ temporalAddress }): Promise<Adapter> => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const connection = await NativeConnection.connect({ address: temporalAddress! });
  const client = new Client({ connection });
  let done = 0;
  let notify = (): void => undefined;
  const worker = await Worker.create({
    connection,
    taskQueue: TASK_QUEUE,
    workflowsPath: join(__dirname, '../floor/workflow.js'),
    activities: {
      async send(url: string, body: string) {
        await post(url, body);
        done += 1;
        notify();
      },
    },
    maxConcurrentActivityTaskExecutions: 400,
    maxConcurrentWorkflowTaskExecutions: 100,
  });
  const running = worker.run();
  let setUps = 0;
  let all: readonly Receiver[] = [];

  return {
    async setUp(receivers) {
      setUps += 1;
      done = 0;
      all = receivers;
    },
    async emit(events) {
      for (const { topic, data } of events) {
        const { url } = all.find((receiver) => receiver.topic === topic)!;
        const workflowId = `bench-${setUps}-${data.n}`;
        await client.workflow.start<typeof single>('single', {
          args: [url, JSON.stringify({ data })],
          workflowId,
          taskQueue: TASK_QUEUE,
          requestEagerStart: true,
        });
      }
    },
    settled: (deliveries) =>
      new Promise((resolve) => {
        notify = () => {
          if (done >= deliveries) resolve(nowMs());
        };
        notify();
      }),
    async close() {
      worker.shutdown();
      await running;
      await connection.close();
    },
  };
};

const agent = new Agent({ keepAlive: true });

/** By plain http only: with --https this floor is a little lower than it could be. */
function post(url: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers: { 'content-length': Buffer.byteLength(body) } });
    sent.once('response', (response) => response.resume().once('end', resolve));
    sent.once('error', reject);
    sent.end(body);
  });
}
