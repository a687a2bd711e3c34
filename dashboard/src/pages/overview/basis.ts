/** What the figures by provider are computed from. */
import type { Overview } from '../../api/shapes.js';

/** Above about so many deliveries the API reads the attempts of a sample. */
const SAMPLED_DELIVERIES = 5_000;

/** What the shares and latencies are of, in words. */
export function basis(providers: readonly Pick<Overview['providers'][number], 'deliveries'>[]): string {
  const total = providers.reduce((sum, { deliveries }) => sum + deliveries, 0);
  const latency = 'latency of attempts with a response';
  return total <= SAMPLED_DELIVERIES
    ? latency
    : `${latency}; shares and latency from a sample of about 5,000 deliveries`;
}
