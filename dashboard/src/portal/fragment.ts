/**
 * The address of a page in the fragment, with its filters: a frame needs no addresses of its own on the server, and the
 * server's log has none of what a customer searched for.
 */
import { useSyncExternalStore } from 'react';

/** `/deliveries?state=failed` of `#/deliveries?state=failed`. */
const current = () => `/${window.location.hash.replace(/^#?\/?/, '')}`;
const path = () => current().split('?', 1)[0]!;
const search = () => current().slice(path().length + 1);

function subscribe(notify: () => void): () => void {
  window.addEventListener('hashchange', notify);
  return () => window.removeEventListener('hashchange', notify);
}

function navigate(to: string, { replace = false }: { replace?: boolean } = {}): void {
  // Changes made here are not announced by the browser.
  window.history[replace ? 'replaceState' : 'pushState'](null, '', `#${to}`);
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}

/** Location and search of wouter's router. */
export const useFragmentPath = (): [string, typeof navigate] => [useSyncExternalStore(subscribe, path), navigate];
export const useFragmentSearch = (): string => useSyncExternalStore(subscribe, search);
export const fragmentHref = (href: string): string => `#${href}`;
