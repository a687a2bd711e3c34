/** Runs inside the processes of `process.ts`: a part of Pigeonpost that dies at a chosen point. */
import { Client, WorkflowClient } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import pino from 'pino';
import { createDispatcher, remoteSender } from '../../src/dispatch/dispatcher.js';
import { createEgressClient } from '../../src/egress/client.js';
import { createNotifier } from '../../src/store/direct/notifications.js';
import { createSecretBox } from '../../src/store/secret-box.js';
import { openStore, type Store } from '../../src/store/store.js';
import { installRuntime } from '../../src/temporal/connection.js';
import { startWorker } from '../../src/server/worker.js';
import { LOOPBACK, startApi } from './api.js';
import { withoutTimeout } from './without-timeout.js';
import { READY, type ProcessPlan } from './process-plan.js';

const {
  role,
  workflows = 'always',
  databaseUrl,
  databaseKey,
  temporalAddress,
  workflowBundle,
  death,
} = JSON.parse(process.env.TEST_PROCESS!) as ProcessPlan;

let passed = 0;

/** Runs something before or after which the process may have to die; after one that was rejected it dies after the next. */
async function passing<T>(point: string, name: string, act: () => Promise<T>): Promise<T> {
  if (death?.point !== point || !name.includes(death.matching ?? '')) return act();
  const { when, nth = 1 } = death;
  const number = (passed += 1);
  if (when === 'before' && number === nth) process.kill(process.pid, 'SIGKILL');
  const result = await act();
  if (when === 'after' && number >= nth) process.kill(process.pid, 'SIGKILL');
  return result;
}

type Query = (...args: unknown[]) => Promise<unknown>;

/** Watches the statements of a pool and of its connections. */
function watch({ pool }: Store): void {
  const watched = new WeakSet<object>();
  const watchQueries = (target: { query: unknown }): void => {
    if (watched.has(target)) return;
    watched.add(target);
    const query = (target.query as Query).bind(target);
    target.query = (...args: unknown[]) => {
      // The pool itself queries with a callback, and is watched separately.
      if (typeof args.at(-1) === 'function') return query(...args);
      const { name = '', text = '' } =
        typeof args[0] === 'string' ? { text: args[0] } : (args[0] as { name?: string; text?: string });
      return passing('statement', `${name} ${text}`, () => query(...args));
    };
  };
  watchQueries(pool);
  pool.on('acquire', watchQueries);
}

async function main(): Promise<void> {
  const log = pino({ level: 'silent' });
  installRuntime(log);
  const store = openStore({ databaseUrl, box: createSecretBox([Buffer.from(databaseKey, 'hex')]) });
  watch(store);
  // Workflow clients are created in many places.
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own client below
  const { start } = WorkflowClient.prototype;
  WorkflowClient.prototype.start = function (...args) {
    return passing('start', String(args[0]), () => start.apply(this, args));
  };
  const connection = await NativeConnection.connect({ address: temporalAddress });
  const client = new Client({ connection });

  if (role === 'api') {
    const api = await startApi({
      store,
      client,
      dispatcher: createDispatcher({ client, eager: false }, log, {
        workflows,
        sender: remoteSender(createNotifier(store)),
      }),
    });
    console.log(`${READY}${api.url}`);
    return;
  }
  const egress = withoutTimeout(
    createEgressClient({ allowNetworks: LOOPBACK, allowHttp: true, resolve: [], maxResponseBytes: 16_384 }),
  );
  await startWorker({
    connection,
    namespace: 'default',
    store,
    log,
    workflows,
    workflowBundle: { codePath: workflowBundle },
    egress: { ...egress, send: (request) => passing('request', request.url, () => egress.send(request)) },
  });
  console.log(READY);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
