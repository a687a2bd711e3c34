/** Operations of all registration APIs: ours and the providers' own. */
import { lowestIdAt } from '../../contract/ids.js';
import type { EgressClient } from '../../egress/types.js';
import type { Registrar } from '../../providers/registration.js';
import { listAttempts, loadAttemptMaterial } from '../../store/attempts/attempts.js';
import { listDeliveries } from '../../store/deliveries/deliveries.js';
import { claimKey, findResponse } from '../../store/events/idempotency.js';
import { attemptFigures } from '../../store/reports/figures.js';
import {
  allSubscriptions,
  findIdByReference,
  findSubscriptionByReference,
  hasSubscribed,
} from '../../store/subscriptions/subscriptions.js';
import type { ApiContext } from '../context.js';
import { explain } from '../../http/errors.js';
import { plainJsonBody } from '../../http/json-body.js';
import { createMessaging } from '../messaging.js';
import { portalOperations } from '../portal/operations.js';
import { hasScope } from '../../http/principal.js';
import { subscriptionChanges } from './changes.js';
import { testEvents } from './test-events.js';

export function createRegistrar(context: ApiContext & { readonly egress: EgressClient }): Registrar {
  const { store } = context;

  return {
    ...subscriptionChanges(context),
    ...testEvents(context),
    ...createMessaging(context),
    ...portalOperations(context),

    readJson: plainJsonBody(context.maxBodyBytes),

    async authenticate(provider, key, request, isEmission = false) {
      const principal = await context.signIn(request, key, provider);
      // The providers' keys have no scopes: one that may not do everything here is none.
      if (principal?.role !== 'account' || !hasScope(principal, 'operate')) return undefined;
      const isAudited = !isEmission && request.method !== 'GET' && request.method !== 'HEAD';
      if (isAudited) await context.audit.request(principal, request);
      return principal.account;
    },

    list: (account) => allSubscriptions(store, account.id),
    find: (account, reference) => findSubscriptionByReference(store, account.id, reference),

    async log(subscription, { since, limit, beforeId, eventId, states }) {
      const rows = await listDeliveries(store, {
        subscriptionId: subscription.id,
        fromId: lowestIdAt('dlv', since),
        limit,
        ...(beforeId === undefined ? {} : { beforeId }),
        ...(eventId === undefined ? {} : { eventId }),
        ...(states === undefined ? {} : { states }),
      });
      return rows.map(({ id, ...row }) => ({ ...row, deliveryId: id }));
    },

    async attempts(deliveryId) {
      const [material, attempts] = await Promise.all([
        loadAttemptMaterial(store, deliveryId),
        listAttempts(store, deliveryId),
      ]);
      return { body: material?.body ?? '', attempts };
    },

    explain: (error, response) => explain(error, response, context.log),
    hasSubscribed: (account) => hasSubscribed(store, account.id),
    findPosition: (account, reference) => findIdByReference(store, account.id, reference),
    recall: async (account, key) => (await findResponse(store, account.id, key))?.response,

    async remember(account, key, response) {
      await claimKey(store.pool, account.id, key, { fingerprint: Buffer.alloc(0), response });
    },

    figures: (subscription, window) => attemptFigures(store, { subscriptionId: subscription.id, ...window }),
  };
}
