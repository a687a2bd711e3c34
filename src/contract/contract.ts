/** Helpers that most contracts share; a contract that differs writes its own. */
import type { Subscription } from './entities.js';
import type { EventDefinition, ResponseClass } from './types.js';

/** An event definition with a typed example. */
export function defineEvent<T>(
  definition: EventDefinition & { readonly data: { _output: T }; readonly example: T },
): EventDefinition {
  return definition;
}

/** Finds definitions by their exact type. */
export function catalogue(events: readonly EventDefinition[]): (type: string) => EventDefinition | undefined {
  const byType = new Map(events.map((event) => [event.type, event]));
  return (type) => byType.get(type);
}

/** Whether a subscription names the event type, or names none and so takes all. */
export function takesType(subscription: Pick<Subscription, 'eventTypes'>, type: string): boolean {
  return subscription.eventTypes.length === 0 || subscription.eventTypes.includes(type);
}

/** A problem naming the first event type that a catalogue does not hold, or undefined. */
export function unknownEventType(
  eventTypes: readonly string[],
  findEvent: (type: string) => EventDefinition | undefined,
): string | undefined {
  const unknown = eventTypes.find((type) => !findEvent(type));
  return unknown === undefined ? undefined : `there is no event type ${JSON.stringify(unknown)}`;
}

export const ACCEPTED: ResponseClass = { kind: 'accepted' };
export const RETRY: ResponseClass = { kind: 'retry' };

/** Whether a status is one of 200 to 299. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299;
}
