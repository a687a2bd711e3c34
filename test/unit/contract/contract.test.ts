import * as fc from 'fast-check';
import { groupEntries, groupOf, takesTypeOrGroup } from '../../../src/contract/contract.js';

const takes = (eventTypes: string[], type: string) => takesTypeOrGroup({ eventTypes }, type, groupEntries(type));

test.each([
  [[], 'invoice.paid', true],
  [['invoice.paid'], 'invoice.paid', true],
  [['invoice.*'], 'invoice.paid', true],
  [['invoice.*'], 'invoice.item.added', true],
  [['invoice.item.*'], 'invoice.item.added', true],
  [['invoice.item.*'], 'invoice.paid', false],
  [['invoice.*'], 'invoice', false],
  [['invoice.*'], 'invoices.paid', false],
  [['user.created', 'invoice.*'], 'user.deleted', false],
])('a subscription to %j and %s: %s', (eventTypes, type, expected) => {
  expect(takes(eventTypes, type)).toBe(expected);
});

const name = fc.array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
const entry = fc.oneof(
  name,
  name.map((group) => `${group}.*`),
);

test('an entry takes its own name, or all names that continue its group', () => {
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 4 }), name, (eventTypes, type) => {
      const expected = eventTypes.some((each) => {
        const group = groupOf(each);
        return group === undefined ? each === type : type.startsWith(`${group}.`);
      });
      expect(takes(eventTypes, type)).toBe(expected);
    }),
  );
});
