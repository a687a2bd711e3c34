/** The six triggers of a webhook in Postmark's order. Inbound mail is not a trigger. */
export const triggers = ['Open', 'Click', 'Delivery', 'Bounce', 'SpamComplaint', 'SubscriptionChange'] as const;
export type Trigger = (typeof triggers)[number];

export function isTrigger(eventType: string): boolean {
  return (triggers as readonly string[]).includes(eventType);
}
