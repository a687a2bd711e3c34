/**
 * Every page of the customer portal, light and dark, wide and narrow, in the colours and words of a platform. With
 * SCREENSHOTS=1 the pictures in docs/screenshots are taken again; with a folder in SCREENSHOTS_OF_PORTAL, all of them there.
 */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { CUT_OFF, expectFit } from './fit.js';
import { describeInBrowser, openDashboard, type DashboardHarness } from './support.js';
import { seedDashboard, type Furnished } from './seed-dashboard.js';

const WIDE = { width: 1440, height: 900 };
/** The width of a small phone. */
const NARROW = { width: 390, height: 844 };
const kept = join(__dirname, '../../docs/screenshots');
/** The pictures that are kept. */
const KEPT = ['portal-endpoint-light', 'portal-endpoint-dark'];

const looks = [
  ['light', WIDE],
  ['dark', WIDE],
  ['light', NARROW],
  ['dark', NARROW],
] as const;

/** Address and what shows that all of it is there. */
const pages: Record<string, (made: Furnished) => [string, string]> = {
  endpoints: () => ['/endpoints', 'failing for'],
  endpoint: ({ subscription }) => [`/endpoints/${subscription}`, 'Failing for'],
  'endpoint-form': () => ['/endpoints/new', 'More settings'],
  deliveries: () => ['/deliveries', 'order.shipped'],
  delivery: ({ retrying }) => [`/deliveries/${retrying}`, 'Duration by phase'],
  catalogue: () => ['/catalogue', 'A customer has paid an invoice'],
  verify: () => ['/verify', 'Code to copy'],
};

/** What only operators know. Some contracts have accounts of their own. */
const OPERATORS_WORDS_BESIDES_ACCOUNT = /\b(provider|contract|workflow|temporal|subscription|pigeonpost)\b/i;
const OPERATORS_WORDS = new RegExp(`\\baccount\\b|${OPERATORS_WORDS_BESIDES_ACCOUNT.source}`, 'i');

describeInBrowser('every page of the portal', () => {
  let dashboard: DashboardHarness;
  let made: Furnished;
  let url: string;

  beforeAll(async () => {
    dashboard = await openDashboard({
      portal: {
        ...{ name: 'Acme Webhooks', colors: { light: '#7a3ff2', dark: '#ffd166' } },
        ...{ words: { endpoint: 'webhook', endpoints: 'webhooks' }, supportUrl: 'https://example.com/help' },
      },
    });
    made = await seedDashboard(dashboard);
    ({ url } = await dashboard.ask('POST', `/v1/accounts/${made.account}/portal-links`));
  });
  afterEach(() => dashboard.closePages());
  afterAll(() => dashboard.close());

  test.each(Object.keys(pages))('is fit to read: %s', async (name) => {
    const [address, sign] = pages[name]!(made);
    const page = await dashboard.open({ viewport: WIDE });
    await page.goto(url);
    await page.getByRole('navigation', { name: 'Pages' }).waitFor();
    await page.goto(`${url.split('#')[0]}#${address}`);
    await page.getByText(sign).first().waitFor();
    await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' });
    // What is closed is read as well.
    await page.evaluate(`document.querySelectorAll('details').forEach((details) => { details.open = true; })`);
    for (const [colorScheme, viewport] of looks) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      await page.locator(`[data-mantine-color-scheme="${colorScheme}"]`).waitFor();
      await expectFit(page);
      expect(await page.evaluate(CUT_OFF)).toEqual([]);
      await picture(page, `portal-${name}-${colorScheme}${viewport === NARROW ? '-narrow' : ''}`);
    }
    await expectCustomersWords(page);
  });

  test.each([
    ['postack', 'svix-id'],
    ['bird', 'messagebird-signature'],
    ['postmark', undefined],
    ['postpress', undefined],
    ['postscript', 'postscript-signature'],
  ])('is fit to read for accounts of other contracts: %s', async (provider, header) => {
    const { id } = await dashboard.ask('POST', '/v1/accounts', { provider, name: 'Customer' });
    const link = await dashboard.ask('POST', `/v1/accounts/${id}/portal-links`);
    const page = await dashboard.open({ viewport: NARROW });
    await page.goto(link.url);
    for (const [address, sign] of [
      ['/endpoints/new', 'Where events are sent to'],
      ['/catalogue', 'Event types'],
      ['/verify', header ?? 'Signature'],
    ]) {
      await page.getByRole('navigation', { name: 'Pages' }).waitFor();
      await page.goto(`${link.url.split('#')[0]}#${address}`);
      await page.getByText(sign!).first().waitFor();
      await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' });
      await expectFit(page);
      expect(await page.evaluate(CUT_OFF)).toEqual([]);
      await expectCustomersWords(page, OPERATORS_WORDS_BESIDES_ACCOUNT);
    }
  });

  test('looks as its link says, not as the system', async () => {
    const link = await dashboard.ask('POST', `/v1/accounts/${made.account}/portal-links`, { theme: 'dark' });
    const page = await dashboard.open({ colorScheme: 'light' });
    await page.goto(link.url);
    await page.getByRole('heading', { name: 'Webhooks', exact: true }).waitFor();
    await page.locator('[data-mantine-color-scheme="dark"]').waitFor();
    await expectFit(page);
  });

  test('is fit to read without a session', async () => {
    const page = await dashboard.open({ viewport: NARROW, colorScheme: 'dark' });
    await page.goto('/portal');
    await page.getByText('This session has ended').waitFor();
    await expectFit(page);
  });

  test('asks before it deletes, fit to read', async () => {
    const page = await dashboard.open({ viewport: NARROW });
    await page.goto(url);
    await page.getByRole('link', { name: /erp/ }).click();
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('alertdialog', { name: 'Delete this webhook' }).waitFor();
    await expectFit(page);
  });
});

async function picture(page: Page, name: string): Promise<void> {
  const { SCREENSHOTS, SCREENSHOTS_OF_PORTAL: all } = process.env;
  if (SCREENSHOTS === '1' && KEPT.includes(name)) await page.screenshot({ path: join(kept, `${name}.png`) });
  if (all) await page.screenshot({ path: join(all, `${name}.png`), fullPage: true });
}

async function expectCustomersWords(page: Page, words = OPERATORS_WORDS): Promise<void> {
  const text = (await page.locator('body').innerText()).split('\n');
  // Requests say which program sends them.
  expect(text.filter((line) => words.test(line) && line !== 'User-Agent: Pigeonpost/1')).toEqual([]);
}
