/**
 * Ranges of ids for queries. The large tables are partitioned by id, so with a range in its condition a query reads only
 * the partitions of that range.
 */
import { idTime, isId, lowestIdAt } from '../contract/ids.js';

/** From the first id on and before the second one. */
export type IdRange = readonly [from: string, before: string];

/** Every id. */
export const ANYWHERE: IdRange = ['', '~'];

/** Maximum difference between the clocks of processes that create ids, in milliseconds. */
const CLOCKS_MS = 3_600_000;

/** The range of the events of deliveries that were created with their events; a recovery creates deliveries later. */
export function eventsNear(deliveryIds: readonly string[]): IdRange {
  const [first] = deliveryIds;
  if (first === undefined || !deliveryIds.every((id) => isId('dlv', id))) return ANYWHERE;
  // Ids sort by time, so only the first and the last one are parsed.
  const oldest = deliveryIds.reduce((least, id) => (id < least ? id : least), first);
  const newest = deliveryIds.reduce((most, id) => (id > most ? id : most), first);
  return [
    lowestIdAt('evt', new Date(idTime(oldest).getTime() - CLOCKS_MS)),
    lowestIdAt('evt', new Date(idTime(newest).getTime() + CLOCKS_MS)),
  ];
}

/**
 * The part of a query that joins the event `e` and the body `b` of a delivery `d` within a range of event ids. LATERAL with
 * LIMIT 1 makes it an index look-up per delivery; with a plain join the planner may read the complete range.
 */
export function eventOfDelivery(from: string, before: string): string {
  return `
    CROSS JOIN LATERAL (
      SELECT occurred_at, traceparent FROM events WHERE id = d.event_id AND id >= ${from} AND id < ${before} LIMIT 1
    ) e
    CROSS JOIN LATERAL (
      SELECT body, sealed, error FROM event_bodies
      WHERE event_id = d.event_id AND variant = d.body_variant AND event_id >= ${from} AND event_id < ${before} LIMIT 1
    ) b`;
}

/** The lowest id that a delivery of an event can have: no delivery is older than its event. */
export function deliveriesFrom(eventId: string): string {
  if (!isId('evt', eventId)) return ANYWHERE[0];
  return lowestIdAt('dlv', new Date(idTime(eventId).getTime() - CLOCKS_MS));
}
