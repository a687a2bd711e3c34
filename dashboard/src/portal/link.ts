/** The link that opened the portal: its token is in the fragment of the address, which is sent to no server. */

import { hasToken, readLink, type PortalLink } from './read-link.js';

const STORAGE = 'pigeonpost-portal';

/** Used where the browser refuses storage to a page in a frame; the link is then lost with a reload. */
let kept: PortalLink | undefined;

/** The link of this address, or the one that was kept before a reload. The token is removed from the address at once. */
export function takeLink(): PortalLink | undefined {
  const { hash, pathname, search } = window.location;
  if (hasToken(hash)) {
    const link = readLink(hash);
    window.history.replaceState(null, '', pathname + search);
    keep(link);
  }
  return kept ?? stored();
}

/** Forgets a link that has ended. */
export function forgetLink(): void {
  keep(undefined);
}

function keep(link: PortalLink | undefined): void {
  kept = link;
  try {
    if (link) window.sessionStorage.setItem(STORAGE, JSON.stringify(link));
    else window.sessionStorage.removeItem(STORAGE);
  } catch {
    // It is in memory.
  }
}

function stored(): PortalLink | undefined {
  try {
    return JSON.parse(window.sessionStorage.getItem(STORAGE) ?? 'null') as PortalLink | undefined;
  } catch {
    return undefined;
  }
}
