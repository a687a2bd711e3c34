/** The connection to Temporal. A worker and its client share one, so that workflows can be started eagerly. */
import {
  Client,
  Connection,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
  type ClientInterceptors,
  type ConnectionOptions,
} from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, type LogLevel } from '@temporalio/worker';
import type { Logger } from 'pino';
import { type TemporalConnectionOptions } from '../config/config.js';
import { checkNamespace } from './health.js';
import { OperatorError } from '../lib/errors.js';
import { logAttemptsAtDebug } from '../telemetry/attempts.js';
import { isDenied, temporalUnreachable } from './unreachable.js';

type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';

const ownLevels: Record<LogLevel, Level> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};
const levels: Record<LogLevel, Level> = { ...ownLevels, DEBUG: 'trace', INFO: 'debug' };

/** Units as Prometheus wants them. */
const UNITS = { countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true };

/**
 * Sends the SDK's logs to ours, does not handle signals and, where an address (host:port) is given, lets the SDK export its
 * metrics there. Once per process, before the first connection. Throws when the address is taken.
 */
export function installRuntime(log: Logger, metricsAddress?: string): void {
  const threshold = log.isLevelEnabled('debug') ? 'DEBUG' : 'INFO';
  logAttemptsAtDebug(threshold === 'DEBUG');
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger(threshold, ({ level, message, meta }) => {
      // A delivery that ends without being accepted concerns its owner, not the operator of the worker.
      const expected = message === 'Workflow failed' || message === 'Workflow cancelled';
      // What our activities say has the level they say it at; what the SDK says is a level less important.
      // The task token is removed: it allows completing the activity.
      // Its errors get the name under which the log writes an error with message and stack.
      const { sdkComponent, taskToken: _, error: err, ...rest } = meta ?? {};
      const said = sdkComponent === 'activity' ? ownLevels[level] : levels[level];
      log[expected ? 'debug' : said](err === undefined ? { ...rest } : { ...rest, err }, message);
    }),
    telemetryOptions: {
      logging: { forward: {}, filter: { core: 'WARN', other: 'WARN' } },
      ...(metricsAddress === undefined ? {} : { metrics: { prometheus: { bindAddress: metricsAddress, ...UNITS } } }),
    },
  });
}

/** After how long at most a lost connection is tried again, in milliseconds; the transport's own choice is two minutes. */
const RECONNECT_WITHIN_MS = 5_000;

/** How long looking for the namespace may take, in milliseconds. */
const CHECK_MS = 10_000;

/** What asks Temporal for something. */
export interface TemporalClient {
  readonly client: Client;
  readonly close: () => Promise<void>;
}

/** What can be given to a worker as well. */
export interface TemporalAccess extends TemporalClient {
  readonly connection: NativeConnection;
}

/** Connects; throws an OperatorError when there is no response, access is denied or the namespace is missing. */
export async function connectTemporal(
  connectionOptions: TemporalConnectionOptions,
  namespace: string,
  interceptors: ClientInterceptors = {},
): Promise<TemporalAccess> {
  const connection = await NativeConnection.connect(connectionOptions).catch((error: unknown) => {
    throw temporalUnreachable(connectionOptions, error);
  });
  const client = new Client({ connection, namespace, interceptors });
  const { state, error } = await checkNamespace(client, CHECK_MS);
  if (state !== 'ok' && isDenied(error)) {
    await connection.close();
    throw temporalUnreachable(connectionOptions, error);
  }
  if (state === 'namespace_missing') {
    await connection.close();
    throw new OperatorError(
      `Temporal at ${connectionOptions.address} has no namespace ${namespace}.`,
      `Create it (temporal operator namespace create --namespace ${namespace}), or set TEMPORAL_NAMESPACE.`,
    );
  }
  return { connection, client, close: () => connection.close() };
}

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];
type Call = ReturnType<Interceptor>;

/** A client that connects on first use, so that Temporal may be unavailable until then, and later too. */
export function lazyTemporal(
  connectionOptions: TemporalConnectionOptions,
  namespace: string,
  interceptors: ClientInterceptors = {},
): TemporalClient {
  let closed = false;
  const connection = Connection.lazy({
    ...connectionOptions,
    interceptors: [retryUntil(() => closed)],
    channelArgs: {
      'grpc.initial_reconnect_backoff_ms': 1_000,
      'grpc.max_reconnect_backoff_ms': RECONNECT_WITHIN_MS,
    },
  });
  const client = new Client({ connection, namespace, interceptors });
  return {
    client,
    close: () => {
      closed = true;
      return connection.close();
    },
  };
}

/**
 * Retries as the SDK does by default, until the connection is closed. The SDK's own retry would use the closed channel
 * then, which throws in its timer, where it cannot be caught.
 */
function retryUntil(isClosed: () => boolean): Interceptor {
  const retry = makeGrpcRetryInterceptor(defaultGrpcRetryOptions());
  return (options, nextCall) => {
    let isRetry = false;
    return retry(options, (next) => {
      if (isRetry && isClosed()) return CLOSED_CALL as Call;
      isRetry = true;
      return nextCall(next);
    });
  };
}

/** gRPC's code for a call that its caller gave up. */
const CANCELLED = 1;

/** A call that is over when it is started; no more of a call than a retry uses. */
const CLOSED_CALL: Pick<Call, 'start' | 'sendMessage' | 'halfClose'> = {
  start: (metadata, listener) =>
    listener?.onReceiveStatus?.({ code: CANCELLED, details: 'the connection to Temporal was closed', metadata }),
  sendMessage: () => undefined,
  halfClose: () => undefined,
};
