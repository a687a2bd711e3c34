/** Telemetry of a process: logs of Temporal's SDK, metrics and traces. */
import type { Logger } from 'pino';
import type { Config } from '../config/config.js';
import { LOCALHOST, pickPort } from '../embedded/ports.js';
import { contracts } from '../providers/registry.js';
import { addSdkMetrics, collectNodeMetrics } from '../telemetry/exposition.js';
import { beginAtZero } from '../telemetry/metrics.js';
import { startTracing } from '../telemetry/tracing.js';
import { installRuntime } from '../temporal/connection.js';

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

/** Ports to try for the SDK's exporter: one that was free a moment ago may be taken now. */
const TRIES = 5;

/**
 * Installs the SDK's runtime with its metrics exported on a port of this machine only, and exposes them with ours.
 * They hold nothing secret: names of workflows, activities and the task queue, and figures.
 */
export async function installRuntimeWithMetrics(log: Logger): Promise<void> {
  for (let tries = 1; ; tries++) {
    const address = `${LOCALHOST}:${await pickPort()}`;
    try {
      installRuntime(log, address);
      return addSdkMetrics(address);
    } catch (error) {
      if (tries === TRIES) throw error;
    }
  }
}
