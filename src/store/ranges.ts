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

/** Where the events of deliveries are that were made together with them: all but those that a recovery has made later. */
export function eventsNear(deliveryIds: readonly string[]): IdRange {
  const [first] = deliveryIds;
  if (first === undefined || !deliveryIds.every((id) => isId('dlv', id))) return ANYWHERE;
  // Ids sort by their times, so only the outermost are taken apart.
  const oldest = deliveryIds.reduce((least, id) => (id < least ? id : least), first);
  const newest = deliveryIds.reduce((most, id) => (id > most ? id : most), first);
  return [
    lowestIdAt('evt', new Date(idTime(oldest).getTime() - CLOCKS_MS)),
    lowestIdAt('evt', new Date(idTime(newest).getTime() + CLOCKS_MS)),
  ];
}

/**
 * The part of a statement that joins the event `e` and the body `b` of a delivery `d`, both in a range of event ids. They
 * are looked up for each delivery: joined plainly, the range itself could be taken for the way to them and be read.
 */
export function eventOfDelivery(from: string, before: string): string {
  return `
    CROSS JOIN LATERAL (
      SELECT occurred_at, traceparent FROM events WHERE id = d.event_id AND id >= ${from} AND id < ${before} LIMIT 1
    ) e
    CROSS JOIN LATERAL (
      SELECT body FROM event_bodies
      WHERE event_id = d.event_id AND variant = d.body_variant AND event_id >= ${from} AND event_id < ${before} LIMIT 1
    ) b`;
}

/** The id from which on the deliveries of an event are: none is older than its event. */
export function deliveriesFrom(eventId: string): string {
  if (!isId('evt', eventId)) return ANYWHERE[0];
  return lowestIdAt('dlv', new Date(idTime(eventId).getTime() - CLOCKS_MS));
}
