/** Searches the payloads and types of events. */
import { idTime } from '../../contract/ids.js';
import type { Principal } from '../../http/principal.js';
import { readEvents, type EventFilter, type EventRead } from '../../store/events/list-events.js';
import type { ApiContext } from '../context.js';

/** What a search has found, and how far it has read. */
export interface PayloadSearch {
  readonly rows: EventRead['rows'];
  /** The id before which the search would continue; null when there are no more events. */
  readonly nextBeforeId: string | null;
  readonly searched: { readonly events: number; readonly since: Date | null; readonly complete: boolean };
}

/** Searches the newest events for a text, when it is the caller's turn. */
export async function searchPayloads(
  { store, searchTurns }: Pick<ApiContext, 'store' | 'searchTurns'>,
  principal: Principal,
  filter: Omit<EventFilter, 'text' | 'beforeId'> & { readonly text: string; readonly beforeId?: string | undefined },
): Promise<PayloadSearch> {
  const { rows, nextBeforeId, read } = await searchTurns.run(principal, () =>
    readEvents(store, { ...filter, beforeId: filter.beforeId ?? null }),
  );
  const since = nextBeforeId === null ? null : idTime(nextBeforeId);
  return { rows, nextBeforeId, searched: { events: read, since, complete: since === null } };
}
