/** Makes the bodies of subscriptions with a transformation, before their events are committed. */
import { createHash } from 'node:crypto';
import type { Event } from '../../contract/entities.js';
import { jsonMember, jsonObject } from '../../contract/json.js';
import { contractOf } from '../../providers/registry.js';
import type { StoredAccount } from '../../store/accounts/accounts.js';
import type { Store } from '../../store/store.js';
import { CommitSize } from '../commit-size.js';
import type { FanOut } from '../fan-out.js';
import { transformer } from './transformer.js';

/**
 * How long the transformations of one request may take in total, in milliseconds, those of other accounts before them
 * included; further ones are postponed to the first attempt.
 */
const MAX_TOTAL_MS = 10_000;
/** Maximum length of a stored error. */
const MAX_ERROR_LENGTH = 500;

/** A body that is made by a transformation. */
export interface PendingBody {
  readonly bodyVariant: string;
  readonly event: Event;
  readonly account: StoredAccount;
  /** The JSONata expression. */
  readonly expression: string;
  /** Whether it is for subscriptions that get batches. */
  readonly isBatch?: boolean;
}

/** A body, or why it could not be made. */
export type MadeBody = { readonly body: string } | { readonly error: string };

/** The variant of a body with a transformation; subscriptions with the same expression and form share it. */
export function transformedVariant(bodyVariant: string, expression: string | null): string {
  if (expression === null) return bodyVariant;
  const hash = createHash('sha256').update(expression).digest('hex').slice(0, 32);
  return `${bodyVariant === '' ? '' : `${bodyVariant} `}transformation ${hash}`;
}

/** What an expression gets: the message as JSON text, its payload unchanged. */
export function transformationInput({ type, occurredAt, channels, text }: Omit<Event, 'id' | 'data'>): string {
  return jsonObject([
    jsonMember('type', type),
    jsonMember('timestamp', occurredAt.toISOString()),
    jsonMember('channels', channels),
    { key: 'data', value: text },
  ]);
}

export function hasPendingBodies(fanOuts: readonly FanOut[]): boolean {
  return fanOuts.some(({ pendingBodies }) => pendingBodies !== undefined);
}

/**
 * Makes the pending bodies of events, each once. A body that cannot be made becomes the error of its deliveries: an
 * expression never prevents an event from being accepted. `size` is that of the commit, which such a body never exceeds.
 */
export async function transformBodies(
  store: Pick<Store, 'sealsPayloads'>,
  fanOuts: readonly FanOut[],
  size = new CommitSize(),
): Promise<readonly FanOut[]> {
  if (!hasPendingBodies(fanOuts)) return fanOuts;
  const endsAt = performance.now() + MAX_TOTAL_MS;
  /** Expressions that took too long for an event of this request. */
  const slow = new Set<string>();
  const made: FanOut[] = [];
  for (const fanOut of fanOuts) {
    const bodies = new Map<string, MadeBody>();
    for (const pending of fanOut.pendingBodies ?? [])
      bodies.set(pending.bodyVariant, await makeWithin(pending, size, { endsAt, slow, store }));
    made.push(bodies.size > 0 ? withBodies(fanOut, bodies) : fanOut);
  }
  return made;
}

async function makeWithin(
  pending: PendingBody,
  size: CommitSize,
  {
    endsAt,
    slow,
    store,
  }: { readonly endsAt: number; readonly slow: Set<string>; readonly store: Pick<Store, 'sealsPayloads'> },
): Promise<MadeBody> {
  if (slow.has(pending.expression)) return failed('the expression took too long for another event of the request');
  if (performance.now() > endsAt)
    return postponed(`the transformations of the request took longer than ${MAX_TOTAL_MS / 1_000} s`);
  const made = await makeBody(store, pending);
  if ('error' in made) {
    if (made.isTimeout) slow.add(pending.expression);
    return made;
  }
  return size.tryAdd(made.body) ? made : failed('the bodies of the request would be too large in total');
}

/**
 * Makes one body. Never rejects for an error of the expression. Where payloads are sealed, the error quotes none: it is stored
 * with the delivery and shown by Temporal.
 */
export async function makeBody(
  { sealsPayloads }: Pick<Store, 'sealsPayloads'>,
  { event, account, expression, isBatch }: Omit<PendingBody, 'bodyVariant'>,
): Promise<{ body: string } | { error: string; isTimeout?: boolean }> {
  const result = await transformer.evaluate(account, { expression, input: transformationInput(event) });
  if (result.text === undefined) {
    const reason = (sealsPayloads ? result.withoutQuotes : undefined) ?? result.error;
    const { error } = result.isTransient ? postponed(reason) : failed(reason);
    return { error, isTimeout: result.isTimeout };
  }
  const contract = contractOf(account.provider);
  if (!contract.renderTransformed) return failed(`${contract.title} has no transformations`);
  return { body: contract.renderTransformed({ ...event, data: undefined, text: result.text }, isBatch) };
}

/** As it is stored; PostgreSQL refuses NUL and halves of surrogate pairs. */
function failed(reason: string): { error: string } {
  return { error: `transformation failed: ${reason.slice(0, MAX_ERROR_LENGTH).replace(/[\0\p{Cs}]/gu, '?')}` };
}

const POSTPONED = 'transformation postponed: ';

/** The expression was not evaluated, for a reason that passes. */
function postponed(reason: string): { error: string } {
  return { error: `${POSTPONED}${reason}` };
}

/** Whether the first attempt makes the body, as there was no time for it when the event was accepted. */
export function isPostponed(error: string | null | undefined): boolean {
  return error?.startsWith(POSTPONED) ?? false;
}

/** Postpones all pending bodies: for a commit that must not wait. */
export function postponeBodies(fanOuts: readonly FanOut[]): readonly FanOut[] {
  return fanOuts.map((fanOut) => {
    if (!fanOut.pendingBodies) return fanOut;
    const error = postponed('the account was locked when the event was accepted');
    return withBodies(fanOut, new Map(fanOut.pendingBodies.map(({ bodyVariant }) => [bodyVariant, error])));
  });
}

function withBodies({ row, deliveryStarts }: FanOut, made: ReadonlyMap<string, MadeBody>): FanOut {
  const bodies = new Map(row.bodies);
  const bodyErrors = new Map<string, string>();
  for (const [variant, result] of made) {
    if ('body' in result) bodies.set(variant, result.body);
    else bodyErrors.set(variant, result.error);
  }
  // Not by position, as deliveries that wait because of a pause are not started.
  const variants = new Map(row.deliveries.map(({ id, bodyVariant }) => [id, bodyVariant]));
  return {
    row: { ...row, bodies, bodyErrors },
    deliveryStarts: deliveryStarts.map((delivery) => {
      const bodyVariant = variants.get(delivery.deliveryId)!;
      if (!made.has(bodyVariant)) return delivery;
      const bodyError = bodyErrors.get(bodyVariant);
      return { ...delivery, body: bodies.get(bodyVariant)!, ...(bodyError === undefined ? {} : { bodyError }) };
    }),
  };
}
