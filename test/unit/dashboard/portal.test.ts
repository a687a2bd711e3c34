/** What the customer portal decides without a browser: its link, colours, fields, words and snippets. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogue, groupsOf } from '../../../dashboard/src/portal/catalogue/entries.js';
import { endpointFields } from '../../../dashboard/src/portal/endpoints/endpoint-fields.js';
import { healthOf } from '../../../dashboard/src/portal/endpoints/health-of.js';
import { brandColors, contrast, parseColor } from '../../../dashboard/src/portal/brand-colors.js';
import { readLink } from '../../../dashboard/src/portal/read-link.js';
import { messagePrefix, withPrefix } from '../../../dashboard/src/portal/verify/scheme.js';
import type { EventType } from '../../../dashboard/src/api/shapes.js';

const WORDS = {
  ...{ product: 'Acme', endpoint: 'webhook', endpoints: 'webhooks', event: 'message', events: 'messages' },
  ...{ delivery: 'delivery', deliveries: 'deliveries' },
};

describe('a link', () => {
  test.each([
    ['#token=ppl_abc', { token: 'ppl_abc', theme: 'auto' }],
    ['#token=ppl_abc&theme=dark', { token: 'ppl_abc', theme: 'dark' }],
    ['#token=ppl_abc&theme=pink', { token: 'ppl_abc', theme: 'auto' }],
    ['#token=', undefined],
    ['#/deliveries?q=token', undefined],
    ['', undefined],
  ])('%s', (fragment, link) => expect(readLink(fragment)).toEqual(link));
});

describe('the colours of a platform', () => {
  const SURFACES = { light: ['#ffffff', '#f6f7f8', '#f0f2f4'], dark: ['#171d24', '#0f1419', '#11171d'] } as const;
  const rgb = (color: string | undefined) => parseColor(color ?? '')!;
  const COLORS = ['#ffd400', '#0a66c2', '#000000', '#ffffff', '#d0021b', '#7f7f7f', '#00ff88'];

  test.each(COLORS)('are readable in both schemes: %s', (color) => {
    for (const scheme of ['light', 'dark'] as const) {
      const values = brandColors(color, scheme);
      const accent = rgb(values['--accent']);
      for (const surface of [...SURFACES[scheme], values['--accent-soft']!])
        expect(contrast(accent, rgb(surface))).toBeGreaterThanOrEqual(4.5);
      const white = rgb('#ffffff');
      expect(contrast(white, rgb(values['--mantine-color-pigeon-filled']))).toBeGreaterThanOrEqual(4.5);
      expect(contrast(white, rgb(values['--mantine-color-pigeon-filled-hover']))).toBeGreaterThanOrEqual(4.5);
    }
  });

  test('stay as they are where they can be read', () =>
    expect(brandColors('#0a4d92', 'light')).toMatchObject({
      '--accent': '#0a4d92',
      '--mantine-color-pigeon-filled': '#0a4d92',
    }));

  test('are those of the dashboard without any', () => expect(brandColors('', 'light')).toEqual({}));
});

describe('the fields of an endpoint', () => {
  const schema = {
    type: 'object',
    properties: {
      ...{ url: { type: 'string' }, eventTypes: { type: 'array' }, headers: { type: 'object' } },
      ...{
        policy: { type: 'object' },
        onExhausted: { type: 'string' },
        source: { type: 'string', description: 'own' },
      },
    },
    required: ['eventTypes', 'source'],
  } as const;

  test('are those that are a customer’s matter, in the words of the platform', () => {
    const { main, more } = endpointFields(schema, WORDS, true);
    expect(Object.keys(main.properties ?? {})).toEqual(['url', 'eventTypes', 'source']);
    expect(Object.keys(more.properties ?? {})).toEqual(['headers']);
    expect(main.properties?.url?.description).toBe('Where messages are sent to, by POST.');
    expect(main.properties?.source?.description).toBe('own');
    expect(main.required).toEqual(['url', 'source']);
    expect(endpointFields(schema, WORDS, false).main.required).toEqual(['url', 'eventTypes', 'source']);
  });
});

describe('the state of an endpoint', () => {
  const AT = '2026-03-02T10:00:00.000Z';
  const well = { enabled: true, disabledAt: null, pausedAt: null, health: { failingSince: null }, breaker: null };

  test.each([
    [{}, 'active', null],
    [{ health: { failingSince: AT } }, 'failing', AT],
    [{ breaker: { since: AT } }, 'failing', AT],
    [{ pausedAt: AT, health: { failingSince: AT } }, 'paused', AT],
    [{ enabled: false, disabledAt: AT, pausedAt: AT }, 'disabled', AT],
  ])('%j', (facts, word, since) => expect(healthOf({ ...well, ...facts })).toMatchObject({ word, since }));
});

describe('the catalogue', () => {
  const documented = { type: 'user.created', description: 'Someone', example: { id: 1 }, schema: {} };
  const rules = { openCatalogue: true, events: [documented] as never };
  const defined = (name: string, group: string | null, archived = false) =>
    ({ name, group, archived, description: name, examples: [], schema: null }) as unknown as EventType;

  test('has what is defined, and without any what is documented', () => {
    expect(catalogue(rules, []).map(({ name }) => name)).toEqual(['user.created']);
    const found = catalogue(rules, [defined('b', null), defined('a', 'Orders'), defined('old', null, true)]);
    expect(found.map(({ name }) => name)).toEqual(['b', 'a']);
    expect(groupsOf(found, '').map(({ title }) => title)).toEqual(['', 'Orders']);
    expect(groupsOf(found, 'A').flatMap(({ entries }) => entries.map(({ name }) => name))).toEqual(['a']);
  });
});

describe('verification', () => {
  test('is shown for headers as Standard Webhooks has them, under any prefix', () => {
    expect(messagePrefix(['webhook-id', 'webhook-timestamp', 'webhook-signature'])).toBe('webhook');
    expect(messagePrefix(['other-id', 'other-timestamp', 'other-signature'])).toBe('other');
    expect(messagePrefix(['x-request-timestamp', 'x-signature'])).toBeUndefined();
    expect(messagePrefix([])).toBeUndefined();
  });

  test.each(['mjs', 'py', 'go', 'rb', 'php', 'java', 'cs', 'rs'])('names the headers in verify.%s', (ending) => {
    const folder = join(__dirname, '../../../dashboard/src/portal/verify/snippets');
    const program = readFileSync(join(folder, `verify.${ending}`), 'utf8');
    for (const name of ['id', 'timestamp', 'signature']) expect(program).toContain(`webhook-${name}`);
    const changed = withPrefix(program, 'other');
    expect(changed).not.toMatch(/webhook-(id|timestamp|signature)/);
    expect(changed).toContain('other-signature');
  });
});

test('the page has an icon, so that browsers do not ask for one that is not there', () => {
  const root = join(__dirname, '../../../dashboard');
  const [, icon] = /<link rel="icon" href="\/(src\/[^"]+)"/.exec(readFileSync(join(root, 'portal.html'), 'utf8'))!;
  expect(readFileSync(join(root, icon!), 'utf8')).toContain('<svg');
});
