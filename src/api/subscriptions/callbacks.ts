/** Checks who is to get callbacks. */
import { callbackFields, type CallbackChoice, type CallbackField } from '../../contract/callbacks.js';
import { groupEntries, takesTypeOrGroup } from '../../contract/contract.js';
import { invalidField } from '../../http/problem.js';
import { contractOf } from '../../providers/registry.js';
import type { StoredAccount } from '../../store/accounts/accounts.js';
import type { Queryable, Store } from '../../store/store.js';
import { findSubscription, type StoredSubscription } from '../../store/subscriptions/subscriptions.js';
import type { SubscriptionDraft } from './input.js';

const fields = Object.keys(callbackFields) as CallbackField[];

/** Checks that each named subscription is one of the account that takes callbacks. Throws a problem for the wrong field. */
export function checkReceivers(choice: CallbackChoice, subscriptions: readonly StoredSubscription[]): void {
  for (const field of fields) {
    const id = choice[field];
    if (id == null) continue;
    const receiver = subscriptions.find((subscription) => subscription.id === id);
    if (!receiver) throw invalidField(field, 'must be the id of a subscription of the account');
    checkTakes(field, receiver);
  }
}

/** Checks the receivers that a subscription has in addition to its former ones. */
export async function checkNewReceivers(
  { store, client }: { readonly store: Store; readonly client: Queryable },
  account: StoredAccount,
  { id, options }: SubscriptionDraft,
  former?: StoredSubscription,
): Promise<void> {
  const { callbacks } = contractOf(account.provider);
  const receivers = callbacks?.receiversOf(options);
  if (!receivers) return;
  const formerReceivers = former && callbacks?.receiversOf(former.options);
  for (const field of fields) {
    const receiverId = receivers[field];
    if (receiverId === undefined || receiverId === formerReceivers?.[field]) continue;
    if (receiverId === id) throw invalidField(field, 'must be another subscription of the account');
    const receiver = await findSubscription(store, receiverId, client);
    if (receiver?.accountId !== account.id)
      throw invalidField(field, 'must be the id of a subscription of the account');
    checkTakes(field, receiver);
  }
}

function checkTakes(field: CallbackField, receiver: StoredSubscription): void {
  const type = callbackFields[field];
  if (!takesTypeOrGroup(receiver, type, groupEntries(type)))
    throw invalidField(field, `must be a subscription with ${type} in its eventTypes; add it there first`);
}
