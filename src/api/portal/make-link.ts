/** Makes links of the customer portal, for `/v1` and for the providers' own APIs. */
import type { Request } from 'express';
import { Problem } from '../../http/problem.js';
import type { Principal } from '../../http/principal.js';
import { countPortalLinks } from '../../store/accounts/portal-links.js';
import {
  createSession,
  type PortalCapability,
  type SessionKey,
  type SessionUser,
} from '../../store/accounts/sessions.js';
import type { ApiContext } from '../context.js';
import { keyOfSession } from '../accounts/sessions.js';

/** Maximum number of valid links of an account. */
export const MAX_LINKS = 10_000;

export const themes = ['light', 'dark', 'auto'] as const;

export interface NewPortalLink {
  readonly accountId: string;
  readonly madeWith: SessionKey | SessionUser;
  readonly capabilities: readonly PortalCapability[];
  /** Time until it ends, in seconds. */
  readonly seconds: number;
  /** What the page looks like; it follows the browser when absent. */
  readonly theme?: (typeof themes)[number] | undefined;
  readonly group?: string | undefined;
}

export interface MadePortalLink {
  readonly id: string;
  /** The page of the portal; the token is in its fragment, which no server and no log gets. */
  readonly url: string;
  readonly token: string;
  readonly capabilities: readonly PortalCapability[];
  readonly expiresAt: Date;
}

type LinkParts = Pick<ApiContext, 'store' | 'publicUrl'>;

/** Makes a link. Throws the problem `quota_exceeded` when its account has too many. */
export async function makePortalLink(
  { store, publicUrl }: LinkParts,
  request: Pick<Request, 'protocol' | 'host'>,
  { capabilities, theme, ...link }: NewPortalLink,
): Promise<MadePortalLink> {
  if ((await countPortalLinks(store, link.accountId, MAX_LINKS)) >= MAX_LINKS)
    throw new Problem('quota_exceeded', `an account may have ${MAX_LINKS} valid portal links; revoke some`);
  const scopes = capabilities.length === 0 ? (['read'] as const) : (['operate'] as const);
  const session = await createSession(store, { ...link, kind: 'portal', scopes, capabilities });
  const { id, token, expiresAt } = session;
  const base = publicUrl ?? `${request.protocol}://${request.host}`;
  const look = theme === undefined ? '' : `&theme=${theme}`;
  return { id, url: `${base}/portal#token=${token}${look}`, token, capabilities, expiresAt };
}

/** What a link is made with, and ends with: the key, or that or the user of the session of the dashboard. */
export function keyOfLink(principal: Principal, context: Pick<ApiContext, 'adminKey'>): SessionKey | SessionUser {
  const { kind, keyId, user } = principal.credential;
  if (kind !== 'dashboard') return keyOfSession(principal, context);
  if (user) return user;
  return typeof keyId === 'string' ? { keyId } : { adminKey: context.adminKey };
}
