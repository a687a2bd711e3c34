/** What stands for a secret value wherever subscriptions are shown. */
export const MASK = '***';

/** Whether a value is the mask, or holds it somewhere. */
export function isMasked(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value === MASK;
  return Object.values(value).some(isMasked);
}
