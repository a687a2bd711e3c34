/** Emits callbacks: events that report the end of a delivery to another subscription of its account. */
import type { Logger } from 'pino';
import { idTime } from '../contract/ids.js';
import {
  claimCallbacks,
  hasCallbacks,
  loadTargets,
  nextAccountWithCallbacks,
  type CallbackTargets,
  type WaitingCallback,
} from '../store/events/callbacks.js';
import { insertEvents } from '../store/events/events.js';
import { inTransaction, type Store } from '../store/store.js';
import { countEmitted } from '../telemetry/metrics.js';
import { SUBSCRIPTION_DISABLED } from '../workflows/types.js';
import type { Dispatcher } from './dispatcher.js';
import { fanOutTo, type EventInput, type FanOut } from './fan-out.js';
import { postponeBodies } from './payload/transform-bodies.js';

/** How often a process looks for callbacks, in milliseconds. */
const POLL_MS = 1_000;

/** How many callbacks were claimed, and the account after which the next call continues. */
interface Emitted {
  readonly claimed: number;
  /** Empty when none is left after it. */
  readonly nextAfter: string;
}

/**
 * Emits callbacks that wait, those of the accounts after `after`. They are claimed and written in one transaction, so each
 * is emitted exactly once.
 */
export async function emitCallbacks(
  store: Store,
  dispatcher: Pick<Dispatcher, 'modesFor' | 'dispatchNew'>,
  after: string,
  accounts?: number,
): Promise<Emitted> {
  const { claimed, nextAfter, planned, modes } = await inTransaction(store, async (client) => {
    const { callbacks, nextAfter } = await claimCallbacks(client, after, accounts);
    const targets = await loadTargets(store, client, callbacks);
    // Transformations are evaluated before the first attempt, so that a slow one delays no callback of another account.
    const planned = postponeBodies(callbacks.flatMap((callback) => plan(callback, targets)));
    const modes = dispatcher.modesFor(planned);
    if (planned.length > 0)
      await insertEvents(
        store,
        client,
        planned.map(({ row }) => row),
        modes,
      );
    return { claimed: callbacks.length, nextAfter, planned, modes };
  });
  countEmitted(planned.map(({ row }) => row));
  dispatcher.dispatchNew(planned, modes);
  return { claimed, nextAfter };
}

/** The event of a callback; without a delivery if its receiver was deleted; none if its account was. */
function plan(callback: WaitingCallback, { accounts, subscriptions }: CallbackTargets): readonly FanOut[] {
  const account = accounts.get(callback.accountId);
  if (!account) return [];
  const receiver = subscriptions.get(callback.receiverId);
  const planned = fanOutTo(account, receiver ? [receiver] : [], eventOf(callback));
  return [receiver?.enabled === false ? untilEnabled(planned) : planned];
}

/** The delivery waits, without a workflow, until its subscription is enabled. */
function untilEnabled({ row, ...rest }: FanOut): FanOut {
  const deliveries = row.deliveries.map((delivery) => ({ ...delivery, pausedFor: SUBSCRIPTION_DISABLED }));
  return { ...rest, row: { ...row, deliveries }, deliveryStarts: [] };
}

/** Ids, counts and the receiver's host only: the URL and the responses may contain secrets, and are in the delivery. */
function eventOf({ type, accountId, subscriptionId, url, facts }: WaitingCallback): EventInput {
  const { endedAt: ended, ...others } = facts;
  const endedAt = new Date(ended);
  const times = { createdAt: idTime(facts.deliveryId), endedAt };
  const data = { accountId, subscriptionId, host: url === '' ? null : new URL(url).host, ...others, ...times };
  return { type, occurredAt: endedAt, text: JSON.stringify(data), data, channels: [] };
}

/** Emits callbacks until it is stopped. Every worker does; what one does not emit, because it dies, the others do. */
export function startCallbacks(store: Store, dispatcher: Dispatcher, log: Logger): { stop(): Promise<void> } {
  let isStopping = false;
  let running: Promise<void> | undefined;

  /** When callbacks of several accounts cannot be emitted together, only those of the account that prevents it wait. */
  const emitNext = async (after: string): Promise<Emitted> => {
    try {
      return await emitCallbacks(store, dispatcher, after);
    } catch (error) {
      const accountId = await nextAccountWithCallbacks(store, after);
      if (accountId === undefined) return { claimed: 0, nextAfter: '' };
      const alone = await emitCallbacks(store, dispatcher, after, 1).catch(() => {
        log.warn({ err: error, accountId }, 'cannot emit the callbacks of an account now');
        return { claimed: 0 };
      });
      return { ...alone, nextAfter: accountId };
    }
  };
  /** Each account in turn, once. */
  const emitRound = async (): Promise<number> => {
    let emitted = 0;
    let after = '';
    do {
      const { claimed, nextAfter } = await emitNext(after);
      emitted += claimed;
      after = nextAfter;
    } while (after !== '' && !isStopping);
    return emitted;
  };
  const emitAll = async (): Promise<void> => {
    // A round without any leaves those that others are emitting, and those that cannot be emitted now.
    while (!isStopping && (await hasCallbacks(store)) && (await emitRound()) > 0);
  };
  const timer = setInterval(() => {
    running ??= emitAll()
      .catch((error: unknown) => log.warn({ err: error }, 'cannot emit callbacks now'))
      .then(() => (running = undefined));
  }, POLL_MS).unref();
  return {
    async stop() {
      isStopping = true;
      clearInterval(timer);
      await running;
    },
  };
}
