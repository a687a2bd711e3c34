/** What became of an attempt, in a few words. */
import type { Attempt } from '../../api/shapes.js';

export function attemptResult({ outcome, status, reason }: Attempt): string {
  if (outcome === 'interrupted') return 'interrupted';
  if (status !== null) return `${status} ${outcome}`;
  return reason ? `${outcome}: ${reason}` : outcome;
}
