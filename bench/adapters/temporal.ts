/** The floor of a workflow per delivery: one that does nothing, by one activity that does nothing. */
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { nowMs } from '../clock.js';
import type { empty } from '../floor/workflow.js';
import type { Adapter, CreateAdapter } from './types.js';

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
    workflowsPath: join(__dirname, '..', 'floor', 'workflow.js'),
    activities: {
      async nothing() {
        done += 1;
        notify();
      },
    },
    maxConcurrentActivityTaskExecutions: 400,
    maxConcurrentWorkflowTaskExecutions: 100,
  });
  const running = worker.run();
  let setUps = 0;

  return {
    async setUp() {
      setUps += 1;
      done = 0;
    },
    async emit(events) {
      for (const { data } of events) {
        const workflowId = `bench-${setUps}-${data.n}`;
        await client.workflow.start<typeof empty>('empty', {
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
