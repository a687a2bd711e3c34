/** Live changes of deliveries as server-sent events. https://html.spec.whatwg.org/multipage/server-sent-events.html */
import type { Response } from 'express';
import { z } from 'zod';
import { deliveryStates, type StoredDelivery } from '../../store/deliveries/deliveries.js';
import type { ApiContext } from '../context.js';
import { showDelivery } from './view.js';
import { visibleAccountId } from '../../http/principal.js';
import { invalidField } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';

/** Interval between pings, in milliseconds. */
const PING_MS = 15_000;
/** Maximum duration of a stream, in milliseconds. */
const MAX_DURATION_MS = 10 * 60_000;
/** Maximum unread bytes of a stream; above it the connection is closed. */
const MAX_UNREAD_BYTES = 1_048_576;

const query = z.strictObject({
  accountId: z.string().optional(),
  subscriptionId: z.string().optional(),
  state: z.enum(deliveryStates).optional().describe('Only changes to this state.'),
});
type Query = z.output<typeof query>;

export function deliveryStreamRoutes(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/deliveries/stream',
      tag: 'Deliveries',
      scope: 'read',
      summary: 'Stream changes of deliveries',
      description:
        'Server-sent events: `delivery` with a delivery as in lists, each time it changes; `reset` when changes were ' +
        'skipped and lists must be reloaded; `ping` every 15 seconds. A change may be sent twice. A stream ends after ' +
        'ten minutes, or shortly after its key is revoked; reconnect with the last id as Last-Event-ID to receive missed ' +
        'changes. An account may have 20 streams at a time.',
      forAccounts: true,
      capability: 'view',
      query,
      headers: z.object({ 'Last-Event-ID': z.string().optional().describe('The id of the last event received.') }),
      responses: { status: 200, description: 'A stream of events', type: 'text/event-stream', schema: z.string() },
    },
    async ({ query: { accountId, ...rest }, principal, request, response }) => {
      const stream = new EventStream(response);
      const since = readEventId(request.get('last-event-id'));
      const seen = visibleAccountId(principal, accountId);
      const stopListening = await context.feed.listen({
        ...(principal.credential.id === undefined ? {} : { keyId: principal.credential.id }),
        ...(principal.role === 'account' ? { ownerId: principal.account.id } : {}),
        ...(seen === undefined ? {} : { accountId: seen }),
        ...(since === undefined ? {} : { since }),
        notify(delivery, receiver) {
          if (!matches(delivery, rest)) return;
          stream.send(
            'delivery',
            showDelivery(delivery, receiver, context, principal),
            String(delivery.updatedAt.getTime()),
          );
        },
        reset: () => stream.send('reset', {}),
        end: () => void response.end(),
      });
      stream.open(stopListening);
    },
  );
}

function matches(delivery: StoredDelivery, { subscriptionId, state }: Omit<Query, 'accountId'>): boolean {
  return (
    (subscriptionId === undefined || subscriptionId === delivery.subscriptionId) &&
    (state === undefined || state === delivery.state)
  );
}

/** Parses the id of an event, which is a time. */
function readEventId(id: string | undefined): Date | undefined {
  if (id === undefined || id === '') return undefined;
  if (!/^\d{1,13}$/.test(id)) throw invalidField('Last-Event-ID', 'must be the id of an event of this stream');
  return new Date(Number(id));
}

/** Sends events to one client. Events before `open` are queued. */
class EventStream {
  #waiting: string[] | undefined = [];

  constructor(private readonly response: Response) {}

  /** Starts sending; calls `onClose` when the client disconnects. */
  open(onClose: () => void): void {
    const { response } = this;
    // The client may have disconnected, or the feed stopped, in the meantime.
    if (response.closed || response.writableEnded) return onClose();
    const ping = setInterval(() => this.send('ping', {}), PING_MS);
    const end = setTimeout(() => response.end(), MAX_DURATION_MS);
    response.on('close', () => {
      clearInterval(ping);
      clearTimeout(end);
      onClose();
    });
    // Proxies must neither cache nor buffer the events.
    response.status(200).set({
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store, no-transform',
      'X-Accel-Buffering': 'no',
    });
    response.flushHeaders();
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    this.send('ping', {});
    for (const event of waiting) this.#write(event);
  }

  send(event: string, data: unknown, id?: string): void {
    const text = `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    if (this.#waiting) this.#waiting.push(text);
    else this.#write(text);
  }

  #write(text: string): void {
    if (this.response.writableEnded) return;
    this.response.write(text);
    if (this.response.writableLength > MAX_UNREAD_BYTES) this.response.destroy();
  }
}
