/** The customer portal for the providers' own APIs. */
import { hasScope } from '../../http/principal.js';
import { Problem } from '../../http/problem.js';
import type { PortalOperations } from '../../providers/registration.js';
import { revokeSession } from '../../store/accounts/sessions.js';
import type { ApiContext } from '../context.js';
import { keyOfLink, makePortalLink } from './make-link.js';

export function portalOperations(context: ApiContext): PortalOperations {
  const { signIn, audit, store } = context;
  return {
    async makePortalLink(account, { request, key }, link) {
      const principal = await signIn(request, key, account.provider);
      // As in /v1: a link is a key for someone else.
      if (!principal || !hasScope(principal, 'admin'))
        throw new Problem('forbidden', 'portal links need a key with the scope admin');
      const madeWith = keyOfLink(principal, context);
      return makePortalLink(context, request, { ...link, accountId: account.id, madeWith });
    },

    async endPortalSession(provider, { request, key = '' }) {
      const principal = await signIn.withSession(request, 'portal', key);
      if (principal?.role !== 'account' || principal.account.provider !== provider) return false;
      const { id } = principal.credential;
      if (id === undefined) return false;
      await audit.request(principal, request);
      await revokeSession(store, id);
      return true;
    },
  };
}
