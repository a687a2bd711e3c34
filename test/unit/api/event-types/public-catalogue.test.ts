import { page } from '../../../../src/api/event-types/public-catalogue.js';

const plain = {
  ...{ name: 'invoice.paid', description: '', group: null, schema: null, examples: [], version: 1 },
  ...{
    enforce: false,
    archived: false,
    featureFlag: null,
    policy: null,
    createdAt: new Date(0),
    updatedAt: new Date(0),
  },
};

test('nothing of an event type is markup', () => {
  const hostile = `</pre><script>alert("1")</script>'&`;
  const shown = page([
    { ...plain, description: hostile, group: hostile, schema: { title: hostile }, examples: [{ [hostile]: hostile }] },
  ]);
  expect(shown).not.toMatch(/<script|alert\("/);
  expect(shown).toContain('&lt;/pre&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;');
});

test('event types are shown by group, those without one first', () => {
  const shown = page([
    { ...plain, name: 'b.x', group: 'B' },
    { ...plain, name: 'a.x', group: 'A' },
    { ...plain, name: 'c.x' },
  ]);
  const at = ['c.x</h3>', '<h2>A', 'a.x</h3>', '<h2>B', 'b.x</h3>'].map((text) => shown.indexOf(text));
  expect(at).toEqual([...at].sort((one, other) => one - other));
  expect(page([])).toContain('No event types are defined.');
});
