/** What the catalogue of event types says of events and subscriptions. Each check throws a problem. */
import type { UnknownEventTypes } from '../../config/defaults.js';
import { Callback } from '../../contract/callbacks.js';
import { groupOf } from '../../contract/contract.js';
import { contractOf } from '../../providers/registry.js';
import type { StoredAccount } from '../../store/accounts/accounts.js';
import { Operation } from '../../store/events/operational-events.js';
import { invalidField } from '../../http/problem.js';
import type { DefinedEventType, EventTypeCatalogue } from './catalogue.js';
import { UnusableSchema } from './schema.js';

/** What the checks need. */
export interface CatalogueContext {
  readonly eventTypes: EventTypeCatalogue;
  readonly unknownEventTypes: UnknownEventTypes;
}

/** Event types of Pigeonpost itself, which need no definition. */
const operations: ReadonlySet<string> = new Set([...Object.values(Operation), ...Object.values(Callback)]);

/** Why the platform cannot define an event type of this name. */
export function isOperation(name: string): boolean {
  return operations.has(name);
}

/** Whether an account may know of an event type. */
export function sees({ featureFlags }: Pick<StoredAccount, 'featureFlags'>, featureFlag: string | null): boolean {
  return featureFlag === null || featureFlags.includes(featureFlag);
}

/** Whether the platform has defined event types for accounts of this provider. */
function isDefinedFor({ eventTypes }: CatalogueContext, provider: string): boolean {
  return !eventTypes.isEmpty && contractOf(provider).openCatalogue !== undefined;
}

/** The definition of an event type that events may have now; undefined for one that needs none. */
function mustBeCurrent(
  { eventTypes, unknownEventTypes }: CatalogueContext,
  type: string,
  path: string,
): DefinedEventType | undefined {
  const defined = eventTypes.find(type);
  if (!defined) {
    if (unknownEventTypes === 'accept' || operations.has(type)) return undefined;
    throw unknownType(type, path);
  }
  if (defined.archived) throw invalidField(path, `the event type ${JSON.stringify(type)} is archived`);
  return defined;
}

const unknownType = (type: string, path: string) =>
  invalidField(
    path,
    `the event type ${JSON.stringify(type)} is not defined; see GET /v1/event-types ` +
      '(PIGEONPOST_UNKNOWN_EVENT_TYPES=accept accepts it)',
  );

/** Checks an event to accept. A payload is checked against an enforced schema unless the account has its checks off. */
export function checkEvent(
  context: CatalogueContext,
  { provider, validatePayloads }: Pick<StoredAccount, 'provider' | 'validatePayloads'>,
  type: string,
  data: unknown,
): void {
  if (!isDefinedFor(context, provider)) return;
  const defined = mustBeCurrent(context, type, 'type');
  const wrong = validatePayloads && defined ? breaks(defined, data) : undefined;
  if (wrong) throw invalidField(wrong.path, wrong.message);
}

function breaks({ name, check }: DefinedEventType, data: unknown) {
  try {
    return check?.(data, 'data');
  } catch (error) {
    if (!(error instanceof UnusableSchema)) throw error;
    return { path: 'data', message: `cannot be checked: the schema of ${name} ${error.message}` };
  }
}

/**
 * Checks the entries that a subscription has in addition to its `former` ones. Groups such as `invoice.*` need no defined
 * event type: they are also for those that follow.
 */
export function checkSubscribed(
  context: CatalogueContext,
  account: StoredAccount,
  entries: readonly string[],
  former: readonly string[] = [],
): void {
  if (!isDefinedFor(context, account.provider)) return;
  for (const entry of entries) {
    if (groupOf(entry) !== undefined || former.includes(entry)) continue;
    const defined = mustBeCurrent(context, entry, 'eventTypes');
    if (defined && !sees(account, defined.featureFlag)) throw unknownType(entry, 'eventTypes');
  }
}

/**
 * The defined example of an event type; undefined when its contract's is to be used. Throws when the type cannot be
 * tested: it is unknown, archived, or its schema is enforced and it has no example.
 */
export function definedExample(context: CatalogueContext, account: StoredAccount, type: string): unknown {
  if (!isDefinedFor(context, account.provider)) return undefined;
  const defined = mustBeCurrent(context, type, 'type');
  if (!defined) return undefined;
  if (!sees(account, defined.featureFlag)) throw unknownType(type, 'type');
  const { example, check } = defined;
  if (example === undefined && check)
    throw invalidField('type', `the event type ${JSON.stringify(type)} has a schema but no example to send`);
  return example;
}

/** The first event type that a test of a subscription with these entries can send; undefined without any. */
export function firstDefined(
  { eventTypes }: CatalogueContext,
  account: StoredAccount,
  takes: (type: string) => boolean,
): string | undefined {
  return eventTypes
    .all()
    .find(({ name, archived, featureFlag }) => !archived && sees(account, featureFlag) && takes(name))?.name;
}
