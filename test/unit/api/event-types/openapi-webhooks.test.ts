import { compileSchema } from '../../../../src/api/event-types/schema.js';
import { readWebhooks } from '../../../../src/api/event-types/openapi-webhooks.js';

const json = (media: object) => ({ requestBody: { content: { 'application/json': media } } });
const read = (webhooks: Record<string, unknown>, components: object = {}) =>
  readWebhooks({ openapi: '3.1.0', webhooks, components });

test('description, group, schema and examples are taken from the document', () => {
  const post = {
    summary: 'An invoice was paid',
    tags: ['Invoices', 'Money'],
    ...json({ schema: { type: 'object' }, examples: { one: { value: { id: 1 } }, two: { value: { id: 2 } } } }),
  };
  expect(read({ 'invoice.paid': { post } })).toEqual([
    {
      name: 'invoice.paid',
      fields: {
        description: 'An invoice was paid',
        group: 'Invoices',
        schema: { type: 'object' },
        examples: [{ id: 1 }, { id: 2 }],
      },
    },
  ]);
});

test('of a body with type, timestamp and data, the data count', () => {
  const schema = {
    type: 'object',
    properties: { type: {}, timestamp: {}, data: { $ref: '#/components/schemas/Data' } },
  };
  const example = { type: 'a.b', timestamp: '2026-01-01T00:00:00Z', data: { id: 1 } };
  const [entry] = read({ 'a.b': { post: json({ schema, example }) } }, { schemas: { Data: { type: 'object' } } });
  expect(entry).toMatchObject({
    fields: { schema: { $ref: '#/$defs/Data', $defs: { Data: { type: 'object' } } }, examples: [{ id: 1 }] },
  });
});

test('what a schema refers to is bundled, cycles and escaped names included', () => {
  const schemas = {
    Tree: {
      type: 'object',
      properties: { child: { $ref: '#/components/schemas/Tree' }, leaf: { $ref: '#/components/schemas/a~1b' } },
    },
    'a/b': { type: 'integer' },
    Unused: { type: 'null' },
  };
  const [entry] = read({ x: { post: json({ schema: { $ref: '#/components/schemas/Tree' } }) } }, { schemas });
  const { schema } = (entry as { fields: { schema: Record<string, object> } }).fields;
  expect(Object.keys(schema.$defs!)).toEqual(['Tree', 'a/b']);
  const check = compileSchema(schema);
  expect(check({ child: { leaf: 1 } }, 'data')).toBeUndefined();
  expect(check({ child: { leaf: 'x' } }, 'data')?.path).toBe('data.child.leaf');
});

test('path items, bodies and examples may be references', () => {
  const components = {
    pathItems: { p: { post: { requestBody: { $ref: '#/components/requestBodies/b' } } } },
    requestBodies: { b: { content: { 'application/json': { examples: { e: { $ref: '#/components/examples/e' } } } } } },
    examples: { e: { value: 7 } },
  };
  expect(read({ x: { $ref: '#/components/pathItems/p' } }, components)).toEqual([
    { name: 'x', fields: { examples: [7] } },
  ]);
});

const bad = (schema: unknown) => ({ post: json({ schema }) });

test.each([
  ['no object', 7, /must be an object/],
  ['no POST', { get: {} }, /is missing/],
  ['no JSON', { post: { requestBody: { content: { 'text/plain': {} } } } }, /is missing/],
  ['a file elsewhere', bad({ $ref: 'other.json' }), /outside of the document/],
  ['a reference to nothing', bad({ $ref: '#/components/schemas/None' }), /which is not there/],
  ['a reference to __proto__', bad({ $ref: '#/__proto__/x' }), /which is not there/],
  ['a reference to another part', bad({ items: { $ref: '#/info' } }), /only #\/components\/schemas\/… is supported/],
  ['a reference to itself', bad({ $ref: '#/components/schemas/Loop' }), /refers to itself/],
])('%s is the error of one webhook', (_name, item, message) => {
  const found = read(
    { bad: item, good: { post: json({}) } },
    { schemas: { Loop: { $ref: '#/components/schemas/Loop' } } },
  );
  expect(found).toMatchObject([
    { name: 'bad', message: expect.stringMatching(message) },
    { name: 'good', fields: {} },
  ]);
});
