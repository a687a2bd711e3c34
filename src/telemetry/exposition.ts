/** All metrics for Prometheus: our own, Node.js's, and those of Temporal's SDK, which has its own exporter. */
import { collectDefaultMetrics } from 'prom-client';
import { registry } from './metrics.js';

/** Maximum wait for the SDK's exporter, in milliseconds. */
const MAX_WAIT_MS = 2_000;

let sdkUrl: string | undefined;

export const METRICS_CONTENT_TYPE = registry.contentType;

/** Starts collecting Node.js's metrics. Call it once per process. */
export function collectNodeMetrics(): void {
  collectDefaultMetrics({ register: registry });
}

/** Adds the metrics of Temporal's SDK, from the address of its exporter (host:port). */
export function addSdkMetrics(address: string): void {
  sdkUrl = `http://${address}/metrics`;
}

/** URL of the exporter of Temporal's SDK, if it is installed. */
export function sdkMetricsUrl(): string | undefined {
  return sdkUrl;
}

/** All metrics in Prometheus's text format, without those of Temporal's SDK while its exporter does not respond. */
export async function exposition(): Promise<string> {
  const [own, sdk] = await Promise.all([registry.metrics(), sdkMetrics()]);
  return `${own}${sdk}`;
}

async function sdkMetrics(): Promise<string> {
  if (sdkUrl === undefined) return '';
  try {
    const response = await fetch(sdkUrl, { signal: AbortSignal.timeout(MAX_WAIT_MS) });
    return response.ok ? await response.text() : '';
  } catch {
    return '';
  }
}
