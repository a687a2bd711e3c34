/** The six events a webhook can be asked for, in the order in which Postmark shows them. Incoming mail is none. */
export const triggers = ['Open', 'Click', 'Delivery', 'Bounce', 'SpamComplaint', 'SubscriptionChange'] as const;
export type Trigger = (typeof triggers)[number];

export function isTrigger(eventType: string): boolean {
  return (triggers as readonly string[]).includes(eventType);
}
