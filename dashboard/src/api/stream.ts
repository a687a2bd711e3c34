/** Deliveries as they change, by server-sent events. */
import { createEventSource } from 'eventsource-client';
import { useEffect, useEffectEvent, useState } from 'react';
import { SESSION_ENDED, useSession } from './session.js';
import type { Delivery } from './shapes.js';

/** Which deliveries to follow. */
export interface Watched {
  readonly accountId?: string;
  readonly subscriptionId?: string;
  readonly state?: string;
}

/** How often what has come is handed on, in milliseconds, so that a batch is drawn once. */
const FLUSH_MS = 200;

export interface Listener {
  /** Deliveries that have changed. */
  readonly changed: (deliveries: Delivery[]) => void;
  /** Changes were omitted: what is shown has to be read again. */
  readonly reset: () => void;
}

/** Reports of deliveries as they change while `enabled`. Returns whether it is connected. */
export function useDeliveryStream(watched: Watched, enabled: boolean, listener: Listener): boolean {
  const { accountId, subscriptionId, state } = watched;
  const { signOut } = useSession();
  const [connected, setConnected] = useState(false);
  const hand = useEffectEvent(listener.changed);
  const reset = useEffectEvent(listener.reset);
  const refused = useEffectEvent(() => signOut(SESSION_ENDED));
  useEffect(() => {
    if (!enabled) return undefined;
    const given = Object.entries({ accountId, subscriptionId, state }).filter(([, value]) => value !== undefined);
    const waiting = new Map<string, Delivery>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      timer = undefined;
      hand([...waiting.values()]);
      waiting.clear();
    };
    const source = createEventSource({
      url: `${window.location.origin}/v1/deliveries/stream?${new URLSearchParams(given as [string, string][])}`,
      // The browser's own EventSource does not say that a request was refused.
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        if (response.status === 401) refused();
        if (!response.ok) throw new Error(`the stream's response was ${response.status}`);
        setConnected(true);
        // What changed between reading and listening.
        reset();
        return response;
      },
      onMessage: ({ event, data }) => {
        if (event === 'reset') reset();
        if (event !== 'delivery') return;
        const delivery = JSON.parse(data) as Delivery;
        waiting.set(delivery.id, delivery);
        timer ??= setTimeout(flush, FLUSH_MS);
      },
      onDisconnect: () => setConnected(false),
      onScheduleReconnect: () => setConnected(false),
    });
    return () => {
      clearTimeout(timer);
      source.close();
      setConnected(false);
    };
  }, [enabled, accountId, subscriptionId, state]);
  return connected;
}
