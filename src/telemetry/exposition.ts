/** Everything Prometheus is told: our own metrics, Node's, and those of Temporal's SDK, which exports them by itself. */
import { collectDefaultMetrics } from 'prom-client';
import { registry } from './metrics.js';

/** How long the SDK's exporter may take, in milliseconds. */
const MAX_WAIT_MS = 2_000;

let sdkUrl: string | undefined;

export const METRICS_CONTENT_TYPE = registry.contentType;

/** Begins to collect Node's own metrics. Once per process. */
export function collectNodeMetrics(): void {
  collectDefaultMetrics({ register: registry });
}

/** Adds the metrics of Temporal's SDK, from the address of its exporter (host:port). */
export function addSdkMetrics(address: string): void {
  sdkUrl = `http://${address}/metrics`;
}

/** Where the exporter of Temporal's SDK is, if it is installed. */
export function sdkMetricsUrl(): string | undefined {
  return sdkUrl;
}

/** All metrics in Prometheus's text format. Those of Temporal's SDK are left out while its exporter does not answer. */
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
