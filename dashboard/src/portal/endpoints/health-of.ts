/** Which word says best how an endpoint is. */

export interface HealthFacts {
  readonly enabled: boolean;
  readonly disabledAt: string | null;
  readonly pausedAt: string | null;
  readonly health?: { readonly failingSince: string | null } | undefined;
  readonly breaker?: { readonly since: string } | null | undefined;
}

export interface HealthWord {
  readonly word: 'disabled' | 'paused' | 'failing' | 'active';
  /** Since when, where that is known. */
  readonly since: string | null;
  readonly color: 'red' | 'yellow' | 'green' | 'gray';
}

/** What keeps everything from being sent comes before what keeps some of it. */
export function healthOf({ enabled, disabledAt, pausedAt, health, breaker }: HealthFacts): HealthWord {
  if (!enabled) return { word: 'disabled', since: disabledAt, color: 'gray' };
  if (pausedAt !== null) return { word: 'paused', since: pausedAt, color: 'yellow' };
  const failingSince = health?.failingSince ?? breaker?.since ?? null;
  if (failingSince !== null) return { word: 'failing', since: failingSince, color: 'red' };
  return { word: 'active', since: null, color: 'green' };
}
