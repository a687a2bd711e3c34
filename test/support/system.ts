/** A complete system: a real Temporal development server, a worker, the API and its own database. */
import './watch-runtime.js';
import { Client, type ClientInterceptors } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import pino, { type Logger } from 'pino';
import type { WorkflowMode } from '../../src/config/defaults.js';
import type { PortalConfig } from '../../src/config/portal.js';
import { createDispatcher, type SenderPort } from '../../src/dispatch/dispatcher.js';
import { createEgressClient } from '../../src/egress/client.js';
import type { EgressClient, EgressSettings } from '../../src/egress/types.js';
import { isTemporalUp } from '../../src/temporal/health.js';
import { watchEgress, watchStore, watchTemporal } from '../../src/telemetry/gauges.js';
import { installRuntime } from '../../src/temporal/connection.js';
import { searchAttributeTypes } from '../../src/temporal/registration.js';
import { startWorker, type RunningWorker } from '../../src/server/worker.js';
import { startApi, LOOPBACK, type Ask } from './api.js';
import { openTestDatabase, type TestDatabase } from './database.js';
import { startEnvironment } from './ephemeral-server.js';
import { eventually } from './eventually.js';

export interface TestSystem {
  readonly url: string;
  readonly ask: Ask;
  readonly database: TestDatabase;
  readonly environment: TestWorkflowEnvironment;
  readonly client: Client;
  /** Stops the worker as `npm start` does on Ctrl-C. */
  stopWorker(): Promise<void>;
  /** Stops the worker, if it is running, and starts another one. */
  restartWorker(): Promise<void>;
  /** A delivery, once it is in one of these states. */
  settled(deliveryId: string, ...states: string[]): Promise<Record<string, unknown> & { attempts: Attempt[] }>;
  stop(): Promise<void>;
}

interface Attempt {
  number: number;
  outcome: string;
  status: number | null;
  reason: string | null;
}

/** The path of a program from the global set-up. */
export function fromSetup(name: string): string {
  const path = process.env[name];
  if (!path) throw new Error(`${name} is not set: the global set-up did not find that program`);
  return path;
}

export interface SystemOptions {
  /** Installs the SDK's runtime differently. */
  readonly install?: (log: Logger) => void | Promise<void>;
  /** The address of Temporal's web interface; absent means none. */
  readonly uiPort?: number;
  /** When a delivery gets a workflow; always before its first attempt when absent. */
  readonly workflows?: WorkflowMode;
  /** How the customer portal looks, and who may embed it. */
  readonly portal?: Partial<PortalConfig>;
  /** Of the clients that start workflows. */
  readonly interceptors?: ClientInterceptors;
  /** Wraps the client that the worker sends with. */
  readonly wrapEgress?: (client: EgressClient) => EgressClient;
  /** Whether a worker that completes a workflow task gets its activity at once; as the server has it when absent. */
  readonly eagerActivities?: boolean;
}

const eagerActivityArguments = (enabled: boolean): string[] => [
  '--dynamic-config-value',
  `system.enableActivityEagerExecution=${enabled}`,
];

export async function startSystem(
  egressSettings: Partial<EgressSettings> = {},
  log: Logger = pino({ level: 'silent' }),
  {
    install = installRuntime,
    uiPort,
    workflows = 'always',
    portal = {},
    interceptors = {},
    wrapEgress = (client) => client,
    eagerActivities,
  }: SystemOptions = {},
): Promise<TestSystem> {
  await install(log);
  const [environment, database] = await Promise.all([
    startEnvironment(() =>
      TestWorkflowEnvironment.createLocal({
        server: {
          executable: { type: 'existing-path', path: fromSetup('PIGEONPOST_TEST_TEMPORAL_CLI') },
          ...(uiPort === undefined ? {} : { uiPort }),
          ...(eagerActivities === undefined ? {} : { extraArgs: eagerActivityArguments(eagerActivities) }),
          searchAttributes: Object.keys(searchAttributeTypes).map((name) => ({ name, type: 'KEYWORD' as const })),
        },
      }),
    ),
    openTestDatabase(),
  ]);
  const { store } = database;
  const connection = environment.nativeConnection;
  const namespace = environment.namespace ?? 'default';
  const client = new Client({ connection, namespace, interceptors });
  const egressClient = createEgressClient({
    allowNetworks: LOOPBACK,
    allowHttp: true,
    resolve: [],
    maxResponseBytes: 16_384,
    ...egressSettings,
  });
  watchStore(store);
  watchTemporal(() => isTemporalUp(client));
  watchEgress(egressClient);
  const egress = wrapEgress(egressClient);
  const workflowBundle = { codePath: fromSetup('PIGEONPOST_TEST_WORKFLOW_BUNDLE') };
  const newWorker = (): Promise<RunningWorker> =>
    startWorker({ connection, namespace, interceptors, store, egress, log, workflows, workflowBundle });
  let worker = await newWorker();
  const sender: SenderPort = {
    claimFor: (deliveries, bytes) => worker.sender.claimFor(deliveries, bytes),
    send: (fanOut, senderId) => worker.sender.send(fanOut, senderId),
    offer: (deliveries) => worker.sender.offer(deliveries),
  };
  const dispatcher = createDispatcher({ client, eager: true }, log, { workflows, sender });
  const api = await startApi({ store, client, dispatcher, egress: egressSettings, log, portal });

  return {
    url: api.url,
    ask: api.ask,
    database,
    environment,
    client,
    stopWorker: () => worker.stop(),
    async restartWorker() {
      await worker.stop();
      worker = await newWorker();
    },
    settled: (deliveryId, ...states) =>
      eventually(
        async () => (await api.ask('GET', `/v1/deliveries/${deliveryId}`)).body,
        ({ state }) => states.includes(state),
      ),
    async stop() {
      await api.close();
      await dispatcher.stop();
      await worker.stop();
      await egress.close();
      await environment.teardown();
      await database.close();
    },
  };
}
