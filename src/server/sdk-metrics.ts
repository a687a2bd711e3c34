/** The Prometheus exporter of Temporal's SDK, which needs an address of its own. */
import type { Logger } from 'pino';
import { LOCALHOST, pickPort } from '../embedded/ports.js';
import { addSdkMetrics } from '../telemetry/exposition.js';
import { installRuntime } from '../temporal/connection.js';

/** A port that was free a moment ago may be taken now. */
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
