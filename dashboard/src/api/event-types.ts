/** The event types that the platform has defined, where its contract leaves them to it. */
import { useQuery } from '@tanstack/react-query';
import { paginate, unwrap } from '../../../src/client/client.js';
import { useSession } from './session.js';
import type { Contract, EventType } from './shapes.js';

/** As many event types as one page of the API holds. */
const LISTED = 100;

/** Every event type that the caller may see, by name. */
export function useEventTypes(enabled = true) {
  const { client } = useSession();
  return useQuery({
    queryKey: ['event-types'],
    enabled,
    queryFn: async ({ signal }): Promise<EventType[]> => {
      const all: EventType[] = [];
      const load = (cursor: string | undefined) =>
        unwrap(client.GET('/v1/event-types', { params: { query: { limit: LISTED, cursor } }, signal }));
      for await (const eventType of paginate(load)) all.push(eventType);
      return all;
    },
  });
}

/** The event types to choose from: those that the platform defined, otherwise those that the contract documents. */
export function useTypeNames(contract: Contract | undefined): string[] {
  const { data = [] } = useEventTypes(contract?.openCatalogue === true);
  const defined = data.filter(({ archived }) => !archived).map(({ name }) => name);
  return defined.length > 0 ? defined : (contract?.events ?? []).map(({ type }) => type);
}
