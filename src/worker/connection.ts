/** The connection to Temporal. A worker and its client share one, so that workflows can be started eagerly. */
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, type LogLevel } from '@temporalio/worker';
import type { Logger } from 'pino';
import { type TemporalConnectionOptions } from '../config.js';
import { unreachable } from '../errors.js';

/** Sends the SDK's logs to ours and leaves signals to us. Once per process, before the first connection. */
export function installRuntime(log: Logger): void {
  const levels: Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'> = {
    TRACE: 'trace',
    DEBUG: 'trace',
    INFO: 'debug',
    WARN: 'warn',
    ERROR: 'error',
  };
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      // A delivery that ends without being accepted is news for its owner, not for whoever runs the worker.
      const expected = message === 'Workflow failed' || message === 'Workflow cancelled';
      log[expected ? 'debug' : levels[level]]({ ...meta }, message);
    }),
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'WARN' } } },
  });
}

/** After how long at most a lost connection is tried again, in milliseconds; the transport's own choice is two minutes. */
const RECONNECT_WITHIN_MS = 5_000;

/** What asks Temporal for something. */
export interface TemporalClient {
  readonly client: Client;
  close(): Promise<void>;
}

/** What can be given to a worker as well. */
export interface TemporalAccess extends TemporalClient {
  readonly connection: NativeConnection;
}

/** Connects; throws an OperatorError that says where when nothing answers. */
export async function connectTemporal(
  connectionOptions: TemporalConnectionOptions,
  namespace: string,
): Promise<TemporalAccess> {
  const connection = await NativeConnection.connect(connectionOptions).catch((error: unknown) => {
    throw unreachable('Temporal', connectionOptions.address, 'TEMPORAL_ADDRESS', error);
  });
  const client = new Client({ connection, namespace });
  return { connection, client, close: () => connection.close() };
}

/** A client that connects once it is used, so that Temporal may be away until then, and later too. */
export function lazyTemporal(connectionOptions: TemporalConnectionOptions, namespace: string): TemporalClient {
  const connection = Connection.lazy({
    ...connectionOptions,
    channelArgs: {
      'grpc.initial_reconnect_backoff_ms': 1_000,
      'grpc.max_reconnect_backoff_ms': RECONNECT_WITHIN_MS,
    },
  });
  const client = new Client({ connection, namespace });
  return { client, close: () => connection.close() };
}
