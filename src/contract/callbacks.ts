/** Callbacks: events that report the end of a delivery to another subscription of its account. */

/** The types of callbacks. That of a failed delivery is also the type of the operational event with the same facts. */
export const Callback = {
  delivered: 'pigeonpost.delivery.delivered',
  exhausted: 'pigeonpost.delivery.exhausted',
} as const;
export type CallbackType = (typeof Callback)[keyof typeof Callback];

/** The fields of subscriptions and events that name who gets a callback, and its type. */
export const callbackFields = { onDelivered: Callback.delivered, onExhausted: Callback.exhausted } as const;
export type CallbackField = keyof typeof callbackFields;

/** Ids of the subscriptions that get the callbacks of a delivery; absent for none. */
export type CallbackReceivers = { readonly [Field in CallbackField]?: string };

/** What an event says of the callbacks of its deliveries: null for none, absent for what its subscriptions say. */
export type CallbackChoice = { readonly [Field in CallbackField]?: string | null };

/** Where a contract keeps the receivers of a subscription. */
export interface CallbackRules<Options = unknown> {
  /** Undefined for a subscription without callbacks. */
  receiversOf(options: Options): CallbackReceivers | undefined;
}

/**
 * The receivers of the callbacks of a delivery: what its event says comes before what its subscription says. Undefined for
 * none. A callback has no callbacks, so that none causes another one.
 */
export function receiversFor(
  eventType: string,
  choice: CallbackChoice | undefined,
  ofSubscription: CallbackReceivers | undefined,
): CallbackReceivers | undefined {
  if (choice === undefined && ofSubscription === undefined) return undefined;
  if (eventType === Callback.delivered || eventType === Callback.exhausted) return undefined;
  const { onDelivered = ofSubscription?.onDelivered, onExhausted = ofSubscription?.onExhausted } = choice ?? {};
  if (onDelivered == null && onExhausted == null) return undefined;
  return { ...(onDelivered == null ? {} : { onDelivered }), ...(onExhausted == null ? {} : { onExhausted }) };
}
