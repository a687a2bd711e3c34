/** How an endpoint is, in a word: whether it is sent to, and whether it accepts. */
import { Badge } from '@mantine/core';
import { duration } from '../../parts/format.js';
import { useNow } from '../../parts/time.js';
import { healthOf, type HealthFacts } from './health-of.js';

export function HealthBadge({ endpoint }: { endpoint: HealthFacts }) {
  const now = useNow(60_000);
  const { word, since, color } = healthOf(endpoint);
  return (
    <Badge variant="light" color={color} tt="none" title={since ?? undefined}>
      {word}
      {since && ` for ${duration(Math.max(60_000, now - Date.parse(since)))}`}
    </Badge>
  );
}
