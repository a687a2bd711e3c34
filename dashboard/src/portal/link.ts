/** The link that opened the portal: its token is in the fragment of the address, which is sent to no server. */

export type Theme = 'light' | 'dark' | 'auto';

export interface PortalLink {
  readonly token: string;
  readonly theme: Theme;
}

const STORAGE = 'pigeonpost-portal';
const TOKEN = /^#token=/;

/** Used where the browser refuses storage to a page in a frame; the link is then lost with a reload. */
let kept: PortalLink | undefined;

/** Whether the address has a token. */
export function hasToken(fragment: string): boolean {
  return TOKEN.test(fragment);
}

/** What a fragment such as `#token=ppl_…&theme=dark` says; undefined without a token. */
export function readLink(fragment: string): PortalLink | undefined {
  if (!hasToken(fragment)) return undefined;
  const given = new URLSearchParams(fragment.slice(1));
  const token = given.get('token') ?? '';
  const theme = given.get('theme');
  return token === '' ? undefined : { token, theme: theme === 'light' || theme === 'dark' ? theme : 'auto' };
}

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
