/** The time zone that times are shown in: the reader's own, or UTC. */
import { useSyncExternalStore } from 'react';

const STORAGE = 'pigeonpost-zone';
export type Zone = 'local' | 'UTC';

interface Storage {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
}

const storage = findStorage();

let zone: Zone = storage?.getItem(STORAGE) === 'UTC' ? 'UTC' : 'local';
const listeners = new Set<() => void>();

/** Undefined where tests format times without a browser, and where a browser refuses it to a page in a frame. */
function findStorage(): Storage | undefined {
  try {
    return (globalThis as { localStorage?: Storage }).localStorage;
  } catch {
    return undefined;
  }
}

/** For functions; a component that shows times uses `useZone`, or is below one that does. */
export function currentZone(): Zone {
  return zone;
}

export function setZone(next: Zone): void {
  zone = next;
  storage?.setItem(STORAGE, next);
  for (const notify of listeners) notify();
}

/** The zone; the component is drawn again when it changes. */
export function useZone(): Zone {
  return useSyncExternalStore((notify) => {
    listeners.add(notify);
    return () => listeners.delete(notify);
  }, currentZone);
}
