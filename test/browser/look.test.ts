/**
 * Every page, light and dark, wide and narrow: no violation that axe finds, nothing beyond the edge of the screen, and
 * nothing that the page's own policy forbids. With SCREENSHOTS=1 the pictures in docs/screenshots are taken again.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expectFit } from './fit.js';
import { describeInBrowser, openDashboard, type DashboardHarness } from './support.js';
import { seedDashboard, type Furnished } from './seed-dashboard.js';

const folder = join(__dirname, '../../docs/screenshots');
/** The pictures that are kept. */
const KEPT = [
  'delivery-light',
  'delivery-dark',
  'delivery-light-narrow',
  'deliveries-light',
  'deliveries-dark',
  'overview-light',
];

const WIDE = { width: 1440, height: 900 };
/** The width of a small phone. */
const NARROW = { width: 390, height: 844 };

/** Address and what shows that all of it is there. */
const pages: Record<string, (made: Furnished) => [string, string]> = {
  overview: () => ['/overview?window=1h', '1 worker'],
  deliveries: () => ['/deliveries', 'invoice.paid'],
  delivery: ({ retrying }) => [`/deliveries/${retrying}`, 'Duration by phase'],
  jobs: () => ['/jobs', 'Jobs'],
  events: () => ['/events', '1 delivered'],
  find: () => ['/find?q=inv_20260301', 'Searched the payloads'],
  subscriptions: ({ account }) => [`/subscriptions?accountId=${account}`, 'all'],
  subscription: ({ subscription }) => [`/subscriptions/${subscription}`, 'Failing for'],
  'subscription-form': ({ account }) => [`/subscriptions/new/${account}`, 'Advanced'],
  accounts: () => ['/accounts', 'Standard Webhooks'],
  account: ({ account }) => [`/accounts/${account}`, 'Operation'],
  'event-types': () => ['/event-types', 'A customer has paid an invoice'],
  alerts: () => ['/alerts', 'https://hooks.slack.example/***'],
  keys: () => ['/keys', 'Keys of operators'],
  audit: () => ['/audit', 'POST /v1/accounts/{id}/subscriptions'],
  contract: () => ['/contracts/standard', 'Verify a signature'],
};
const looks = [
  ['light', WIDE],
  ['dark', WIDE],
  ['light', NARROW],
  ['dark', NARROW],
] as const;

describeInBrowser('every page', () => {
  let dashboard: DashboardHarness;
  let made: Furnished;
  beforeAll(async () => {
    dashboard = await openDashboard();
    made = await seedDashboard(dashboard);
    const target = { kind: 'slack', url: 'https://hooks.slack.example/services/T0/B0/x' };
    await dashboard.ask('POST', '/v1/alert-rules', { name: 'Receivers', condition: 'subscription_failing', target });
  });
  afterEach(() => dashboard.closePages());
  afterAll(() => dashboard.close());

  test.each(Object.keys(pages))('is fit to read: %s', async (name) => {
    const [address, sign] = pages[name]!(made);
    const page = await dashboard.openAt(address, { viewport: WIDE });
    await page.getByText(sign).first().waitFor();
    await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' });
    for (const [colorScheme, viewport] of looks) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      await page.locator(`[data-mantine-color-scheme="${colorScheme}"]`).waitFor();
      await expectFit(page);
      await picture(page, `${name}-${colorScheme}${viewport === NARROW ? '-narrow' : ''}`);
    }
  });

  test('is fit to read where one signs in', async () => {
    const page = await dashboard.open({ colorScheme: 'dark', viewport: NARROW });
    await page.goto('/');
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await expectFit(page);
  });

  test('is fit to read with all fields of a form', async () => {
    const page = await dashboard.openAt(`/subscriptions/new/${made.account}`, { viewport: NARROW });
    for (const fold of ['Filter and transformation', 'Advanced']) await page.getByText(fold).click();
    await page.getByLabel('Rate per second').waitFor();
    await expectFit(page);
    await picture(page, 'subscription-form-open-narrow');
  });

  test('lists its keyboard shortcuts, which go to pages', async () => {
    const page = await dashboard.openAt('/overview', { viewport: NARROW });
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await expectFit(page);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('g');
    await page.keyboard.press('e');
    await page.getByRole('heading', { name: 'Events', level: 1 }).waitFor();
    // In a field they are text.
    await page.keyboard.press('/');
    await page.keyboard.type('?ga');
    expect(await page.getByLabel('Find').inputValue()).toBe('?ga');
  });

  test('is fit to read in a dialog', async () => {
    const page = await dashboard.openAt('/accounts', { viewport: NARROW });
    await page.getByRole('button', { name: 'New account' }).click();
    await page.getByRole('dialog').waitFor();
    await expectFit(page);
  });

  test('is fit to read in the dialog of a job', async () => {
    const page = await dashboard.openAt('/deliveries?state=delivered', { viewport: NARROW });
    await page.getByRole('button', { name: 'Redeliver…' }).click();
    await page.getByText('Delivered ones were accepted').waitFor();
    await expectFit(page);
    await picture(page, 'job-dialog-narrow');
  });

  test('can be dark where the system is light, and stays so', async () => {
    const page = await dashboard.openAt('/overview', { colorScheme: 'light' });
    await page.getByLabel('Colour scheme').selectOption('dark');
    const scheme = () => page.locator('html').getAttribute('data-mantine-color-scheme');
    expect(await scheme()).toBe('dark');
    await page.reload();
    await page.getByLabel('Colour scheme').waitFor();
    expect(await scheme()).toBe('dark');
  });

  test('is reached and used by the keyboard alone', async () => {
    const page = await dashboard.openAt('/deliveries');
    await page.locator('[data-delivery]').first().waitFor();
    await page.getByRole('link', { name: 'Skip to the content' }).press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('content');
    const isReached = () => page.evaluate('document.activeElement.matches("[data-delivery] a")');
    for (let presses = 0; presses < 40 && !(await isReached()); presses += 1) await page.keyboard.press('Tab');
    expect(await isReached()).toBe(true);
    await page.keyboard.press('Enter');
    // What the list has not.
    await page.getByText('About', { exact: true }).waitFor();
    // The title of the new page is where one goes on from, and is read out.
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
  });

  test('says of an address that there is not', async () => {
    const page = await dashboard.openAt('/nowhere/at/all');
    await page.getByRole('heading', { name: 'No such page' }).waitFor();
  });

  test('verifies a request as its receiver would', async () => {
    const { headers, body } = made.received;
    const page = await dashboard.openAt('/contracts/standard');
    await page.getByLabel('Secret').fill(made.secret);
    const lines = Object.entries(headers).filter(([name]) => name.startsWith('webhook-'));
    await page.getByLabel('Headers').fill(lines.map(([name, value]) => `${name}: ${value}`).join('\n'));
    await page.getByLabel('Body').fill(body);
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByText('The signature is valid').waitFor();
    await page.getByLabel('Body').fill(`${body} `);
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByText('The signature is not valid').waitFor();
  });
});

async function picture(page: Page, name: string): Promise<void> {
  if (process.env.SCREENSHOTS !== '1' || !KEPT.includes(name)) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
