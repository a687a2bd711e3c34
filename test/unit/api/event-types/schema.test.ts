import { compileSchema, MAX_SCHEMA_BYTES, UnusableSchema } from '../../../../src/api/event-types/schema.js';

const invoice = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://example.com/invoice.json',
  type: 'object',
  required: ['total'],
  properties: {
    total: { type: 'integer' },
    sent: { type: 'string', format: 'date-time' },
    state: { enum: ['open', 'paid'] },
    items: { type: 'array', items: { $ref: '#/$defs/item' } },
    'a/b~c': { type: 'string' },
    // Names of keywords are names of fields here.
    default: { type: 'string' },
    $ref: { type: 'string' },
  },
  additionalProperties: false,
  $defs: { item: { type: 'object', required: ['price'], properties: { price: { type: 'number' } } } },
};

test.each([
  [{ total: 1, items: [{ price: 1 }, { price: 0.5 }] }, undefined],
  [{}, ['data.total', 'is missing']],
  [{ total: '1' }, ['data.total', 'must be integer']],
  [{ total: 1, sent: 'soon' }, ['data.sent', 'must match format "date-time"']],
  [{ total: 1, state: 'gone' }, ['data.state', 'must be equal to one of the allowed values: "open", "paid"']],
  [{ total: 1, items: [{ price: 1 }, {}] }, ['data.items[1].price', 'is missing']],
  [{ total: 1, 'a/b~c': 1 }, ['data.a/b~c', 'must be string']],
  [{ total: 1, colour: 'red' }, ['data.colour', 'is not a known field; remove it']],
  [{ total: 1, $ref: 'https://example.com' }, undefined],
  [null, ['data', 'must be object']],
])('checks %j and names the wrong field', (payload, expected) => {
  const wrong = compileSchema(invoice)(payload, 'data');
  expect(wrong && [wrong.path, wrong.message]).toEqual(expected);
});

test('a schema may refer to itself, as trees do', () => {
  const check = compileSchema({ type: 'object', properties: { child: { $ref: '#' }, name: { type: 'string' } } });
  expect(check({ child: { child: { name: 1 } } }, 'data')?.path).toBe('data.child.child.name');
});

test('the same schema and the same $id can be compiled again', () => {
  expect(() => [compileSchema(invoice), compileSchema(invoice)]).not.toThrow();
});

const deep = (levels: number): Record<string, unknown> => (levels === 0 ? {} : { not: deep(levels - 1) });

test.each([
  [{ type: 'text' }, '', /^is not a JSON Schema of draft 2020-12/],
  [{ $ref: '#/$defs/none' }, '', /^is not a JSON Schema of draft 2020-12/],
  [{ $ref: '#' }, '', 'refers to itself without an end'],
  [{ $schema: 'http://json-schema.org/draft-07/schema#' }, '$schema', /^must be https:.*2020-12/],
  [{ items: { $ref: 'https://example.com/x.json' } }, 'items.$ref', /^must refer to a part of this schema/],
  [{ allOf: [{ $dynamicRef: 'x#y' }] }, 'allOf[0].$dynamicRef', /^must refer to a part of this schema/],
  [{ properties: { a: { $id: 'x' } } }, 'properties.a.$id', /^is not allowed inside a schema/],
  [{ $async: true }, '$async', /^is not allowed/],
  [deep(60), expect.stringMatching(/^not\.not/), /^is nested more than 40 deep/],
  [{ description: 'x'.repeat(MAX_SCHEMA_BYTES) }, '', /^must not have more than 65536 bytes/],
] as [Record<string, unknown>, string, string | RegExp][])('refuses the schema %j', (schema, path, message) => {
  let error: unknown;
  try {
    compileSchema(schema);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(UnusableSchema);
  expect(error).toMatchObject({ path });
  expect((error as Error).message).toMatch(message);
});
