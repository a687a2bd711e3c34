/** What the fragment of a portal link says. Pure. */

export type Theme = 'light' | 'dark' | 'auto';

export interface PortalLink {
  readonly token: string;
  readonly theme: Theme;
}

const TOKEN = /^#token=/;

/** Whether a fragment has a token. */
export function hasToken(fragment: string): boolean {
  return TOKEN.test(fragment);
}

/** The link of a fragment such as `#token=ppl_…&theme=dark`; undefined without a token. */
export function readLink(fragment: string): PortalLink | undefined {
  if (!hasToken(fragment)) return undefined;
  const given = new URLSearchParams(fragment.slice(1));
  const token = given.get('token') ?? '';
  const theme = given.get('theme');
  return token === '' ? undefined : { token, theme: theme === 'light' || theme === 'dark' ? theme : 'auto' };
}
