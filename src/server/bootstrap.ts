/** Putting the parts together: what each kind of process runs, and how it stops. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientInterceptors } from '@temporalio/client';
import type { Logger } from 'pino';
import { createApp, type AppParts } from '../api/app.js';
import { createDeliveryFeed } from '../api/deliveries/feed.js';
import { createEventTypeCatalogue } from '../api/event-types/catalogue.js';
import { workerReadiness } from '../api/health.js';
import { createMetricsApp } from '../api/metrics.js';
import type { Config, TemporalConnectionOptions } from '../config/config.js';
import { createMailer, type Mailer } from '../dispatch/alerts/mail.js';
import { createDispatcher, remoteSender, type SenderPort } from '../dispatch/dispatcher.js';
import { createNotifier } from '../store/direct/notifications.js';
import { createAddressGuard } from '../egress/address.js';
import { createEgressClient } from '../egress/client.js';
import type { OwnListeners } from '../egress/own-listeners.js';
import type { EgressClient } from '../egress/types.js';
import { databaseUnreachable } from '../lib/errors.js';
import type { Keys } from './keys.js';
import { checkKeys } from '../store/sealed.js';
import { createSecretBox } from '../store/secret-box.js';
import { refuseTransactionPooler } from '../store/transaction-pooler.js';
import { openStore, type Store } from '../store/store.js';
import { isTemporalUp } from '../temporal/health.js';
import { watchEgress, watchStore, watchTemporal } from '../telemetry/gauges.js';
import type { TemporalAccess, TemporalClient } from '../temporal/connection.js';
import { pageLinks } from '../temporal/page-links.js';
import { keepRegistered } from '../temporal/registration.js';
import { startWorker, type RunningWorker } from './worker.js';
import { listen } from '../http/listen.js';
import { createOidc } from '../http/oidc.js';
import { addUrl, ownListeners, warnOfOpenLoopback, type OwnServers } from './own-listeners.js';

/** How much of a response body is kept, in bytes. */
const EXCERPT_BYTES = 16 * 1_024;

/** How long requests in flight may take while the API ends, in milliseconds; below what Kubernetes allows in all, 30 s. */
const DRAIN_LIMIT_MS = 15_000;

/** Where a process finds what it works with. */
export interface ProcessConfig extends OwnServers {
  readonly config: Config;
  readonly keys: Keys;
  readonly log: Logger;
  readonly databaseUrl: string;
  readonly temporal: { readonly connectionOptions: TemporalConnectionOptions; readonly namespace: string };
}

/** What the parts of one process share. Only a worker needs more of Temporal than a client. */
export interface Shared<Access extends TemporalClient = TemporalAccess> extends ProcessConfig {
  readonly own: OwnListeners;
  readonly store: Store;
  readonly access: Access;
  /** Of all clients of Temporal. */
  readonly interceptors: ClientInterceptors;
}

/** A way to Temporal: connected at once, or by the first who asks. */
export type Connect<Access> = (
  options: TemporalConnectionOptions,
  namespace: string,
  interceptors: ClientInterceptors,
) => Access | Promise<Access>;

export interface Stoppable {
  stop(): Promise<void>;
}

/** Opens database and Temporal; throws an OperatorError for a database that cannot be reached, and what `connect` does. */
export async function openShared<Access extends TemporalClient>(
  processConfig: ProcessConfig,
  connect: Connect<Access>,
): Promise<Shared<Access>> {
  const { databaseUrl, keys, log, temporal } = processConfig;
  const store = openStore({
    databaseUrl,
    box: createSecretBox(keys.encryptionKeys),
    maxConnections: processConfig.config.databaseConnections,
    sealsPayloads: processConfig.config.encryptPayloads,
    ...(processConfig.config.deliveryPolicy ? { deliveryPolicy: processConfig.config.deliveryPolicy } : {}),
    // Without the error's other fields: the driver adds the connection with the text of all its statements.
    onIdleError: ({ message }) => log.warn({ error: message }, 'a database connection was lost'),
  });
  try {
    await store.pool.query('SELECT 1').catch((error: unknown) => {
      throw databaseUnreachable(databaseUrl, error);
    });
    await refuseTransactionPooler(store);
    await checkKeys(store);
    const interceptors = linksOf(processConfig.config);
    const access = await connect(temporal.connectionOptions, temporal.namespace, interceptors);
    watchStore(store, log);
    watchTemporal(() => isTemporalUp(access.client));
    return { ...processConfig, own: ownListeners(processConfig.config, processConfig), store, access, interceptors };
  } catch (error) {
    await store.pool.end();
    throw error;
  }
}

/** Adds to workflows where the dashboard is, when that is known. */
function linksOf({ api: { publicUrl, port }, temporal: { embedded } }: Config): ClientInterceptors {
  const dashboardUrl = publicUrl ?? (embedded ? `http://localhost:${port}` : undefined);
  return dashboardUrl === undefined ? {} : pageLinks(dashboardUrl);
}

/** Closes what `openShared` opened. */
export async function closeShared({ store, access }: Shared<TemporalClient>): Promise<void> {
  await store.pool.end();
  await access.close();
}

function openEgress({ config: { egress }, own }: Pick<Shared, 'config' | 'own'>): EgressClient {
  const client = createEgressClient({ ...egress, ownListeners: own, maxResponseBytes: EXCERPT_BYTES });
  watchEgress(client);
  return client;
}

function openMailer({ config: { mail } }: Pick<Shared, 'config'>): { readonly mailer?: Mailer } {
  return mail ? { mailer: createMailer(mail) } : {};
}

/** Starts the part that makes attempts, and registers in Temporal what that needs, every `registerEveryMs` or so. */
export async function runWorker(shared: Shared, registerEveryMs?: number): Promise<RunningWorker> {
  const { config, store, access, interceptors, temporal, log } = shared;
  const egress = openEgress(shared);
  const { connection, client } = access;
  const { maxConcurrentAttempts, retentionDays, idempotencyHours, auditDays, workflows } = config;
  const { namespace } = temporal;
  const kept = config.temporalRetentionDays;
  const registration = await keepRegistered({ client, namespace, log, retentionDays: kept }, registerEveryMs);
  const limits = { maxConcurrentAttempts, retentionDays, idempotencyHours, auditDays, workflows };
  const mail = openMailer(shared);
  const { workerVersion } = config;
  const version = workerVersion ? { workerVersion } : {};
  const dependencies = { connection, namespace, interceptors, store, egress, log, ...limits, ...mail, ...version };
  const worker: RunningWorker = await startWorker(dependencies).catch(async (error: unknown) => {
    await registration.stop();
    throw error;
  });
  return {
    sender: worker.sender,
    isPolling: () => worker.isPolling(),
    async stop() {
      await worker.stop();
      await registration.stop();
      mail.mailer?.close();
      await egress.close();
    },
  };
}

/** How an API is run. */
interface ApiOptions {
  /** The sender of a worker that shares the process. */
  readonly sender?: SenderPort;
  /** How long it still accepts connections once it is not ready any more, in milliseconds. */
  readonly shutdownDelayMs?: number;
}

/** Starts the part that accepts events. */
export async function runApi(
  shared: Shared<TemporalClient>,
  { sender, shutdownDelayMs = 0 }: ApiOptions,
): Promise<Stoppable & { url: string }> {
  const { config, keys, store, access, log } = shared;
  const dispatcher = createDispatcher(
    { client: access.client, eager: sender !== undefined && !config.workerVersion },
    log,
    {
      workflows: config.workflows,
      sender: sender ?? remoteSender(createNotifier(store)),
    },
  );
  const egress = openEgress(shared);
  const mail = openMailer(shared);
  const feed = createDeliveryFeed(store, log);
  const eventTypes = createEventTypeCatalogue(store, log);
  const parts: AppParts = {
    store,
    client: access.client,
    dispatcher,
    feed,
    eventTypes,
    unknownEventTypes: config.api.unknownEventTypes,
    publicCatalogue: config.api.publicCatalogue,
    egress,
    ...mail,
    log,
    adminKey: keys.adminKey,
    ...(config.metrics.key === undefined ? {} : { metricsKey: config.metrics.key }),
    metricsOpen: config.metrics.open,
    maxBodyBytes: config.api.maxBodyBytes,
    maxCommitBytes: config.api.maxCommitBytes,
    maxSubscriptions: config.api.maxSubscriptions,
    sessionHours: config.api.sessionHours,
    portal: config.api.portal,
    ...(config.api.publicUrl === undefined ? {} : { publicUrl: config.api.publicUrl }),
    ...(config.api.oidc ? { oidc: createOidc(config.api.oidc) } : {}),
    trustProxy: config.api.trustProxy,
    dashboardFolder: join(__dirname, '../dashboard'),
    allowHttp: config.egress.allowHttp,
    allowsAddress: createAddressGuard(config.egress.allowNetworks),
    ...(config.egress.allowPorts === undefined ? {} : { allowPorts: config.egress.allowPorts }),
    ...(config.temporalUiUrl === undefined ? {} : { temporalUiUrl: config.temporalUiUrl }),
  };
  const { url, drain } = await listen(
    ({ signal }) => createApp({ ...parts, ending: signal }),
    config.api,
    'the API',
    'PIGEONPOST_PORT',
  );
  addUrl(shared.own, url);
  warnOfOpenLoopback(config, log);
  return {
    url,
    async stop() {
      drain.begin();
      await feed.stop();
      await sleep(shutdownDelayMs);
      const aborted = await drain.end(DRAIN_LIMIT_MS);
      if (aborted > 0) log.warn(`${aborted} requests took longer than ${DRAIN_LIMIT_MS / 1_000} s and were aborted`);
      await eventTypes.stop();
      await dispatcher.stop();
      mail.mailer?.close();
      await egress.close();
    },
  };
}

/** Serves metrics and probes of a worker on a port of their own, where one is set. */
export async function runMetrics(
  { config, keys, log, own, store, access }: Shared,
  isPolling: () => boolean,
): Promise<Stoppable> {
  const { port, open, key } = config.metrics;
  if (port === undefined) return { stop: async () => undefined };
  const readiness = workerReadiness({ store, client: access.client }, isPolling);
  const metricsAccess = {
    adminKey: keys.adminKey,
    metricsOpen: open,
    ...(key === undefined ? {} : { metricsKey: key }),
  };
  const app = createMetricsApp(metricsAccess, log, readiness);
  const { host } = config.api;
  const { url, drain } = await listen(() => app, { host, port }, 'metrics', 'PIGEONPOST_METRICS_PORT');
  addUrl(own, url);
  log.info(`metrics are at ${url}/metrics, probes at ${url}/healthz and ${url}/readyz`);
  return { stop: async () => void (await drain.end(DRAIN_LIMIT_MS)) };
}
