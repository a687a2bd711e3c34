/** Telemetry of a process: logs of Temporal's SDK, metrics and traces. */
import type { Logger } from 'pino';
import type { Config } from '../config/config.js';
import { contracts } from '../providers/registry.js';
import { collectNodeMetrics } from '../telemetry/exposition.js';
import { beginAtZero } from '../telemetry/metrics.js';
import { startTracing } from '../telemetry/tracing.js';
import { installRuntime } from '../temporal/connection.js';
import { installRuntimeWithMetrics } from './sdk-metrics.js';

/** The kind of process that reports. */
export interface TelemetryOptions {
  /** Whether its metrics are served. */
  readonly measured: boolean;
  /** Whether a worker runs in it. Only that uses the runtime of Temporal's SDK; unused, it would keep the process alive. */
  readonly worker: boolean;
}

/** Begins, once per process and before the first connection to Temporal. Gives back what sends the last spans. */
export async function startTelemetry(
  { traced }: Config,
  log: Logger,
  { measured, worker }: TelemetryOptions,
): Promise<() => Promise<void>> {
  if (worker) await (measured ? installRuntimeWithMetrics(log) : installRuntime(log));
  if (measured) {
    collectNodeMetrics();
    beginAtZero(contracts.map(({ provider }) => provider));
  }
  return traced ? startTracing(log) : async () => undefined;
}
