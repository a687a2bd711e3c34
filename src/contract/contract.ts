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

/** What ends a subscription's entry for all event types of a group, as in `invoice.*`. */
const ANY_IN_GROUP = '.*';

/** The group of an entry such as `invoice.*`, or undefined for the name of one event type. */
export function groupOf(entry: string): string | undefined {
  return entry.endsWith(ANY_IN_GROUP) ? entry.slice(0, -ANY_IN_GROUP.length) : undefined;
}

/** The entries other than its name with which a subscription takes an event type: `a.b.c` is in `a.*` and `a.b.*`. */
export function groupEntries(type: string): readonly string[] {
  const entries: string[] = [];
  for (let stop = type.indexOf('.'); stop >= 0; stop = type.indexOf('.', stop + 1))
    entries.push(type.slice(0, stop) + ANY_IN_GROUP);
  return entries;
}

/** Like `takesType`, where subscriptions may name groups; `groups` are the `groupEntries` of the type. */
export function takesTypeOrGroup(
  subscription: Pick<Subscription, 'eventTypes'>,
  type: string,
  groups: readonly string[],
): boolean {
  return takesType(subscription, type) || groups.some((group) => subscription.eventTypes.includes(group));
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
