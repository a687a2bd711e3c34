/** Erases events: cancels their open deliveries first, so that none is sent afterwards. */
import {
  ERASED,
  eraseContent,
  expiredContents,
  insertErasure,
  nextUnerased,
  openDeliveriesOf,
  type ErasureRequest,
} from '../../store/erasures.js';
import { cancelAll } from './bulk.js';
import type { CommandContext } from './commands.js';

/** Events that are erased in one transaction. */
const PAGE_SIZE = 50;
/** Events and deliveries after which the erasure of an account returns; the next call continues. */
const MAX_EVENTS = 500;
const MAX_DELIVERIES = 2_000;

/** What one call has erased. */
export interface ErasureResult {
  /** The id of its record. */
  readonly id: string;
  /** Where the next call continues; null when no event remains. */
  readonly lastId: string | null;
}

/** Erases one event. Repeating it changes nothing but adds a record, of no event. */
export async function eraseEvent(
  context: CommandContext,
  request: ErasureRequest & { readonly eventId: string },
): Promise<ErasureResult> {
  const id = await insertErasure(context.store, request);
  await eraseEvents(context, id, [request.eventId]);
  return { id, lastId: null };
}

/** Erases events of an account after an id, the oldest first; about five hundred, fewer when they have many deliveries. */
export async function eraseAccount(
  context: CommandContext,
  request: ErasureRequest,
  from: string | undefined,
): Promise<ErasureResult> {
  const { store } = context;
  const { accountId } = request;
  const id = await insertErasure(store, request);
  let afterId = from ?? '';
  let deliveries = 0;
  for (let events = 0; events < MAX_EVENTS && deliveries < MAX_DELIVERIES;) {
    const ids = await nextUnerased(store, { accountId, afterId, limit: PAGE_SIZE });
    if (ids.length > 0) deliveries += await eraseEvents(context, id, ids);
    if (ids.length < PAGE_SIZE) return { id, lastId: null };
    events += ids.length;
    afterId = ids.at(-1)!;
  }
  return { id, lastId: afterId };
}

/** Returns how many deliveries the events have. */
async function eraseEvents(context: CommandContext, erasureId: string, eventIds: readonly string[]): Promise<number> {
  await cancelAll(context, await openDeliveriesOf(context.store, eventIds), ERASED);
  return eraseContent(context.store, erasureId, eventIds);
}

/** The role and reason in the record of an erasure because of an event's own retention. */
const BY_RETENTION = { reason: 'the retention of the payload has ended', erasedBy: 'retention', address: null };
/** Pages of each account in one call. */
const MAX_EXPIRED_PAGES = 20;

/**
 * Erases events whose content was to be kept until now, at most a thousand of each account; the next call continues. Each
 * page has one record per account.
 */
export async function eraseExpired(context: CommandContext, progress: () => void = () => undefined): Promise<void> {
  for (let pages = 0; pages < MAX_EXPIRED_PAGES; pages += 1) {
    const expired = await expiredContents(context.store, PAGE_SIZE);
    if (expired.size === 0) return;
    for (const [accountId, eventIds] of expired) {
      const id = await insertErasure(context.store, { accountId, eventId: null, ...BY_RETENTION });
      await eraseEvents(context, id, eventIds);
      progress();
    }
  }
}
