/** The fields of an event type in requests and responses, and what they must be to each other. */
import { z } from 'zod';
import { contracts } from '../../providers/registry.js';
import type { EventType, EventTypeFields } from '../../store/event-types/event-types.js';
import { invalidField } from '../../http/problem.js';
import { line, policySchema, time } from '../schemas.js';
import { isOperation } from './checks.js';
import { compileSchema, UnusableSchema } from './schema.js';

/** Maximum size of all examples of an event type as JSON text, in bytes. */
const MAX_EXAMPLES_BYTES = 32 * 1_024;

const schema = z.record(z.string(), z.unknown()).nullable();

/** Request fields; absent ones stay unchanged, or have the default of a new event type. */
export const eventTypeFields = z.strictObject({
  description: z.string().max(2_000).optional().describe('For people, plain text.'),
  group: line(100).min(1).nullable().optional().describe('A heading in lists.'),
  schema: schema
    .optional()
    .describe('JSON Schema of `data`, draft 2020-12, with references to itself only. A change adds a version.'),
  examples: z.array(z.unknown()).max(10).optional().describe('Payloads; the first one is sent by test events.'),
  enforce: z.boolean().optional().describe('Whether events whose data break the schema are refused. False by default.'),
  archived: z.boolean().optional().describe('Whether its events are refused; subscriptions keep it. False by default.'),
  featureFlag: line(100).min(1).nullable().optional().describe('Only accounts with this feature flag see it.'),
  policy: policySchema.nullable().optional().describe('Delivery policy of its events; null for none.'),
});
export type GivenFields = z.output<typeof eventTypeFields>;

/** What a new event type has where nothing is given. */
export const NEW_EVENT_TYPE: EventTypeFields = {
  description: '',
  group: null,
  schema: null,
  examples: [],
  enforce: false,
  archived: false,
  featureFlag: null,
  policy: null,
};

export const eventTypeSchema = z
  .object({
    name: z.string(),
    description: z.string(),
    group: z.string().nullable(),
    schema: schema.describe('JSON Schema of `data`, draft 2020-12; null while there is none.'),
    examples: z.array(z.unknown()),
    enforce: z.boolean().describe('Whether events whose data break the schema are refused.'),
    archived: z.boolean().describe('Whether its events are refused.'),
    featureFlag: z.string().nullable().describe('Only accounts with this feature flag see it; null for all.'),
    policy: policySchema.nullable().describe('Delivery policy of its events; null without one.'),
    version: z.int().describe('Version of the schema, from 1.'),
    createdAt: time,
    updatedAt: time,
  })
  .openapi('EventType');

export function showEventType(eventType: EventType) {
  const { name, description, group, schema, examples, enforce, archived, featureFlag } = eventType;
  const { policy, version, createdAt, updatedAt } = eventType;
  return {
    ...{ name, description, group, schema, examples, enforce, archived, featureFlag },
    ...{ policy, version, createdAt, updatedAt },
  };
}

const openContracts = contracts.filter(({ openCatalogue }) => openCatalogue !== undefined);

/** Throws a problem for a name that no event type may have. */
export function checkName(name: string): void {
  if (isOperation(name)) throw invalidField('name', "is one of Pigeonpost's own event types, which need no definition");
  const forms = openContracts.map(({ openCatalogue }) => openCatalogue!.nameForm);
  if (!openContracts.some((contract) => contract.findEvent(name))) throw invalidField('name', forms.join('; or '));
}

/** Makes the fields of an event type from given ones. Throws a problem that names the wrong one. */
export function completeFields(given: GivenFields, former: EventTypeFields): EventTypeFields {
  const { description, group, schema, examples, enforce, archived, featureFlag, policy } = { ...former, ...given };
  if (Buffer.byteLength(JSON.stringify(examples)) > MAX_EXAMPLES_BYTES)
    throw invalidField('examples', `must not have more than ${MAX_EXAMPLES_BYTES} bytes`);
  if (enforce && !schema) throw invalidField('enforce', 'needs a schema; add one, or set enforce to false');
  if (policy?.breaker !== undefined)
    throw invalidField(
      'policy.breaker',
      'belongs to a subscription; set it in the policy of a subscription, an account or the installation',
    );
  if (schema) checkExamples(schema, examples);
  return { description, group, schema, examples, enforce, archived, featureFlag, policy };
}

function checkExamples(schema: NonNullable<EventTypeFields['schema']>, examples: readonly unknown[]): void {
  try {
    const check = compileSchema(schema);
    for (const [index, example] of examples.entries()) {
      const wrong = check(example, `examples[${index}]`);
      if (wrong) throw invalidField(wrong.path, `${wrong.message}, as the schema says`);
    }
  } catch (error) {
    if (!(error instanceof UnusableSchema)) throw error;
    throw invalidField(error.path === '' ? 'schema' : `schema.${error.path}`, error.message);
  }
}
