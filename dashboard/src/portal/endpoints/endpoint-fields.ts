/** Which settings of an endpoint the portal offers, under which names, from the schema of all. Pure. */
import type { JsonSchema } from '../../form/schema.js';
import { capital, inWords, type Words } from '../../parts/words.js';

/** Settings of the platform, or of the page itself. */
const HIDDEN = new Set([
  ...['enabled', 'maxConcurrentAttempts', 'policy', 'tlsClient', 'transformation', 'secret', 'signature'],
  ...['receivesBy', 'onOrderedFailure', 'onDelivered', 'onExhausted', 'batch'],
]);

/** What few customers need. */
const MORE = ['headers', 'channels', 'filter', 'ratePerSecond'];

export interface EndpointFields {
  readonly main: JsonSchema;
  /** Shown when asked for. */
  readonly more: JsonSchema;
}

/** @param hasGroups whether event types may be left out, for all of them, or given as groups */
export function endpointFields(schema: JsonSchema, words: Words, hasGroups: boolean): EndpointFields {
  const described = descriptions(words, hasGroups);
  const required = ['url', ...(schema.required ?? []).filter((name) => name !== 'eventTypes' || !hasGroups)];
  const shown = Object.entries(schema.properties ?? {})
    .filter(([name]) => !HIDDEN.has(name))
    .map(([name, property]) => {
      const { description } = property;
      const own = description === undefined ? {} : { description: inWords(description, words) };
      return [name, { ...property, ...own, ...described[name] }] as const;
    });
  const pick = (isMore: boolean): JsonSchema => ({
    ...schema,
    required,
    properties: Object.fromEntries(
      shown.filter(([name, field]) => (MORE.includes(name) || field['x-advanced'] === true) === isMore),
    ),
  });
  return { main: pick(false), more: pick(true) };
}

/** The usual fields in the words of the platform; what is special to it keeps its own texts. */
function descriptions(
  { endpoint, event, events, deliveries }: Words,
  hasGroups: boolean,
): Readonly<Record<string, Pick<JsonSchema, 'title' | 'description'>>> {
  return {
    url: { title: 'URL', description: `Where ${events} are sent to, by POST.` },
    eventTypes: {
      title: `${capital(event)} types`,
      description: `Which ${events} it gets${hasGroups ? ': types, or groups such as invoice.*; all when empty' : ''}.`,
    },
    description: { title: 'Description', description: 'For yourself.' },
    headers: { title: 'Headers', description: `Sent with every request. Their values are kept secret.` },
    channels: { title: 'Channels', description: `Only ${events} with one of these channels; all when empty.` },
    filter: {
      title: 'Filter',
      description: `Only ${events} whose content passes, such as {"data.total": {"gte": 100}}; every ${event} when empty.`,
    },
    ratePerSecond: {
      title: 'Rate per second',
      description: `The most ${deliveries} that are started per second; no limit of this ${endpoint} when empty.`,
    },
  };
}
