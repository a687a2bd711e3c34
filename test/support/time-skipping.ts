/** Deliveries on Temporal's time-skipping test server: real workflow, activities, contracts and database; no network. */
import './watch-runtime.js';
import { temporal } from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import pino from 'pino';
import { createActivities, shareDependencies } from '../../src/activities/index.js';
import { TASK_QUEUE } from '../../src/workflows/names.js';
import { wakeBreaker } from '../../src/dispatch/commands/breakers.js';
import { startOptions } from '../../src/dispatch/start.js';
import type { EgressClient, Exchange, OutgoingRequest } from '../../src/egress/types.js';
import type { DeliveryStart } from '../../src/store/deliveries/delivery-starts.js';
import { installRuntime } from '../../src/temporal/connection.js';
import { searchAttributeTypes } from '../../src/temporal/registration.js';
import type { delivery } from '../../src/workflows/delivery/workflow.js';
import { startApi, type TestApi } from './api.js';
import { openTestDatabase, type TestDatabase } from './database.js';
import { startEnvironment } from './ephemeral-server.js';
import { fromSetup } from './system.js';
import { stubDispatcher } from './dispatcher.js';

/** A request, and the server's time of it in Unix milliseconds. */
export interface Sent extends OutgoingRequest {
  readonly at: number;
}

export interface TimeSkippingEnv {
  readonly api: TestApi;
  readonly database: TestDatabase;
  readonly environment: TestWorkflowEnvironment;
  /** Accepted deliveries that wait to be started. */
  readonly deliveryStarts: DeliveryStart[];
  /** Every request of every delivery since the last call of `script`. */
  readonly sent: Sent[];
  /** The responses of receivers, attempt by attempt; the last one is repeated. A promise delays its response. */
  script(...exchanges: (number | Exchange | Promise<Exchange>)[]): void;
  /** Starts the workflow of a delivery. */
  start(deliveryStart: DeliveryStart): ReturnType<TestWorkflowEnvironment['client']['workflow']['start']>;
  close(): Promise<void>;
}

/** A response without headers. */
export function responded(status: number, headers: Record<string, string> = {}): Exchange {
  return {
    kind: 'response',
    status,
    headers,
    excerpt: '',
    truncated: false,
    durationMs: 1,
    url: 'https://example.com/',
  };
}

export async function openTimeMachine(): Promise<TimeSkippingEnv> {
  installRuntime(pino({ level: 'silent' }));
  const [environment, database] = await Promise.all([
    startEnvironment(() =>
      TestWorkflowEnvironment.createTimeSkipping({
        server: {
          executable: { type: 'existing-path', path: fromSetup('PIGEONPOST_TEST_TIME_SKIPPING_SERVER') },
        },
      }),
    ),
    openTestDatabase(),
  ]);
  const { INDEXED_VALUE_TYPE_KEYWORD: keyword } = temporal.api.enums.v1.IndexedValueType;
  await environment.connection.operatorService.addSearchAttributes({
    namespace: environment.namespace ?? 'default',
    searchAttributes: Object.fromEntries(Object.keys(searchAttributeTypes).map((name) => [name, keyword])),
  });

  const sent: Sent[] = [];
  let exchanges: (Exchange | Promise<Exchange>)[] = [responded(200)];
  const egress: EgressClient = {
    async send(request) {
      sent.push({ ...request, at: await environment.currentTimeMs() });
      return exchanges.length > 1 ? exchanges.shift()! : exchanges[0]!;
    },
    close: async () => undefined,
  };
  const deliveryStarts: DeliveryStart[] = [];
  const api = await startApi({
    store: database.store,
    client: environment.client,
    dispatcher: stubDispatcher((more) => void deliveryStarts.push(...more)),
  });
  const shared = shareDependencies(
    { store: database.store, egress },
    { wakeBreaker: (scope) => wakeBreaker(environment.client, scope) },
  );
  const worker = await Worker.create({
    connection: environment.nativeConnection,
    namespace: environment.namespace ?? 'default',
    taskQueue: TASK_QUEUE,
    workflowBundle: { codePath: fromSetup('PIGEONPOST_TEST_WORKFLOW_BUNDLE') },
    activities: createActivities(shared, { dispatcher: stubDispatcher(() => undefined) }),
  });
  const running = worker.run();

  return {
    api,
    database,
    environment,
    deliveryStarts,
    sent,
    script(...next) {
      sent.splice(0);
      exchanges = next.map((exchange) => (typeof exchange === 'number' ? responded(exchange) : exchange));
    },
    start: (deliveryStart) =>
      environment.client.workflow.start<typeof delivery>('delivery', startOptions(deliveryStart)),
    async close() {
      worker.shutdown();
      await running;
      // What still wakes a workflow needs the connection.
      await shared.breakers.stop();
      await api.close();
      await environment.teardown();
      await database.close();
    },
  };
}
