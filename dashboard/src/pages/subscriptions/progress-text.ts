/** How far a recovery is, in words. */
import type { Recovery } from '../../api/shapes.js';
import { count } from '../../parts/format.js';
import { deliveriesOf, type Words } from '../../parts/words.js';

/** While its subscription is disabled, nothing is sent: what was recovered is paused until it is enabled. */
export function progressText(
  { total, recovered, skipped }: Pick<Recovery, 'total' | 'recovered' | 'skipped'>,
  isEnabled: boolean,
  words: Words,
): string {
  const share =
    total === null ? deliveriesOf(words, recovered) : `${count(recovered)} of ${deliveriesOf(words, total)}`;
  const unneeded = skipped > 0 ? `, ${count(skipped)} needed nothing` : '';
  if (isEnabled) return `${share} sent again${unneeded}`;
  return `${share} recovered${unneeded}; they are paused until the ${words.endpoint} is enabled`;
}
