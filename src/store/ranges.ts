/**
 * Ranges of ids that a look-up stays within. The tables that grow are partitioned by id, so a statement that names a
 * range beside what it looks for is planned for the partitions of that range and not for all.
 */
import { idTime, isId, lowestIdAt } from '../contract/ids.js';

/** From the first id on, and before the second one. */
export type IdRange = readonly [from: string, before: string];

/** Every id. */
export const ANYWHERE: IdRange = ['', '~'];

/** By how much the clocks of processes that make ids may differ, in milliseconds. */
const CLOCKS_MS = 3_600_000;

/** Where the event of a delivery is that was made together with it, as all are but those that a recovery makes later. */
export function eventsNear(deliveryId: string): IdRange {
  if (!isId('dlv', deliveryId)) return ANYWHERE;
  const made = idTime(deliveryId).getTime();
  return [lowestIdAt('evt', new Date(made - CLOCKS_MS)), lowestIdAt('evt', new Date(made + CLOCKS_MS))];
}

/** The id from which on the deliveries of an event are: none is older than its event. */
export function deliveriesFrom(eventId: string): string {
  if (!isId('evt', eventId)) return ANYWHERE[0];
  return lowestIdAt('dlv', new Date(idTime(eventId).getTime() - CLOCKS_MS));
}
