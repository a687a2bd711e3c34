/** What every process tells of itself: logs of Temporal's SDK, metrics and traces. */
import type { Logger } from 'pino';
import type { Config } from '../config.js';
import { contracts } from '../providers/index.js';
import { collectNodeMetrics } from '../telemetry/exposition.js';
import { beginAtZero } from '../telemetry/metrics.js';
import { startTracing } from '../telemetry/tracing.js';
import { installRuntime } from '../worker/connection.js';
import { installRuntimeWithMetrics } from '../worker/sdk-metrics.js';

/**
 * Begins, once per process and before the first connection to Temporal; `measured` tells whether metrics are served.
 * Gives back what sends the last spans.
 */
export async function startTelemetry({ traced }: Config, log: Logger, measured: boolean): Promise<() => Promise<void>> {
  if (measured) {
    await installRuntimeWithMetrics(log);
    collectNodeMetrics();
    beginAtZero(contracts.map(({ provider }) => provider));
  } else {
    installRuntime(log);
  }
  return traced ? startTracing(log) : async () => undefined;
}
