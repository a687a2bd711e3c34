/**
 * What an operator reads in Temporal's own web interface. SCREENSHOTS=1 also writes the pictures of docs/temporal-ui.md.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import type { Browser, Page } from 'playwright-core';
import { pickPort } from '../../src/embedded/ports.js';
import { pageLinks } from '../../src/temporal/page-links.js';
import { BROWSER_ADVICE, browserPath, openBrowser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { orSkip } from '../support/installed.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

const MAX_WAIT_MS = 30_000;
/** What a delivery's page here is linked with. */
const LINK = 'This delivery in Pigeonpost';
/** A timeline; interfaces before 2.54 have it above the history of events. */
const FIRST_TAB = /\/(timeline|history)$/;
const test = orSkip(it, browserPath, BROWSER_ADVICE);

let system: TestSystem;
let receiver: Receiver;
let browser: Browser;
let page: Page;
let base: string;
const deliveries: Record<string, string> = {};

async function emitTo(path: string): Promise<string> {
  const { body: account } = await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' });
  await system.ask('POST', `/v1/accounts/${account.id}/subscriptions`, {
    url: `${receiver.url}${path}`,
    eventTypes: ['invoice.paid'],
  });
  const event = { type: 'invoice.paid', data: { invoice: 'in_1', amount: 1200 } };
  return (await system.ask('POST', `/v1/accounts/${account.id}/events`, event)).body.deliveries[0].id;
}

beforeAll(async () => {
  if (browserPath === undefined) return;
  const uiPort = await pickPort();
  base = `http://127.0.0.1:${uiPort}/namespaces/default/workflows`;
  [system, receiver, browser] = await Promise.all([
    startSystem({}, pino({ level: 'silent' }), { uiPort, interceptors: pageLinks('https://webhooks.example.com') }),
    startReceiver(),
    openBrowser(),
  ]);
  page = await browser.newPage({ viewport: { width: 1400, height: 900 }, colorScheme: 'light' });
  page.setDefaultTimeout(MAX_WAIT_MS);
  receiver.reply((response, { path }) => {
    response.writeHead(path === '/ok' ? 200 : path === '/gone' ? 410 : 503).end();
  });
  const command = (name: string, reason: string) =>
    system.ask('POST', `/v1/deliveries/${deliveries[name]}/${name === 'paused' ? 'pause' : 'cancel'}`, { reason });
  for (const [name, path, first, last] of [
    ['delivered', '/ok', 'delivered'],
    ['failed', '/gone', 'failed'],
    ['cancelled', '/busy', 'retrying', 'cancelled'],
    ['paused', '/busy', 'retrying', 'paused'],
    ['retrying', '/busy', 'retrying'],
  ] as const) {
    deliveries[name] = await emitTo(path);
    await system.settled(deliveries[name], first);
    if (!last) continue;
    await command(name, name === 'paused' ? 'the receiver is being moved' : 'the customer has left');
    await system.settled(deliveries[name], last);
  }
  // The next wait is long enough for everything below.
  await eventually(
    async () => (await system.ask('GET', `/v1/deliveries/${deliveries.retrying}`)).body.attemptCount,
    (count) => count === 2,
  );
});

afterAll(async () => {
  await browser?.close();
  await system?.stop();
  await receiver?.close();
});

/** Writes a picture of the page's upper part. Stack traces, which name files of this machine, are further down. */
async function picture(name: string, height = 900): Promise<void> {
  if (process.env.SCREENSHOTS !== '1') return;
  const path = join(__dirname, '../../docs/screenshots', `${name}.png`);
  const { width } = page.viewportSize()!;
  await page.screenshot({ path, clip: { x: 0, y: 0, width, height } });
}

async function open(name: string, tab: string): Promise<void> {
  await page.goto(`${base}/delivery-${deliveries[name]}`);
  // The page finds the run by itself, and opens its first tab.
  await page.waitForURL(FIRST_TAB);
  if (tab !== 'first') await page.goto(page.url().replace(FIRST_TAB, `/${tab}`));
}

/** Waits for Markdown, which the interface shows in frames. */
async function markdown(...texts: (string | RegExp)[]): Promise<void> {
  for (const text of texts) {
    const shown = async () => {
      const counts = await Promise.all(
        page.frames().map((frame) =>
          frame
            .getByText(text)
            .count()
            .catch(() => 0),
        ),
      );
      return counts.some((count) => count > 0);
    };
    await eventually(shown, (there) => there, MAX_WAIT_MS);
  }
}

test('the list says what each delivery is and how it ended', async () => {
  await page.goto(`${base}?query=${encodeURIComponent("WorkflowType = 'delivery'")}`);
  for (const id of Object.values(deliveries)) await page.getByText(`delivery-${id}`).first().waitFor();
  for (const status of ['Running', 'Completed', 'Failed', 'Canceled'])
    await page.getByText(status, { exact: true }).first().waitFor();
  await Promise.all([
    page.waitForEvent('load'),
    page.evaluate(readFileSync(join(__dirname, '../../docs/temporal-columns.js'), 'utf8')),
  ]);
  for (const text of ['standard', 'invoice.paid']) await page.getByText(text, { exact: true }).first().waitFor();
  await picture('temporal-list', 500);
});

test('a delivery that is being retried is one line, with its attempt', async () => {
  await open('retrying', 'first');
  await page.getByText('attempts by the schedule').first().waitFor();
  await picture('temporal-delivery');
});

test('its metadata say the receiver, the subscription and the plan', async () => {
  await open('retrying', 'user-metadata');
  await markdown(
    /^invoice\.paid → 127\.0\.0\.1:\d+$/,
    'of Standard Webhooks, account',
    'Attempting',
    'At the earliest',
  );
  await markdown(/from attempt 1 of 10 on/, /subscription/, LINK);
  const targets = await Promise.all(
    page.frames().map((frame) => frame.getByText(LINK).evaluateAll((links) => links.map(String))),
  );
  expect(targets.flat()).toEqual([`https://webhooks.example.com/deliveries/${deliveries.retrying}`]);
  await picture('temporal-metadata', 780);
});

test('its pending activity shows the last failure as text', async () => {
  await open('retrying', 'pending-activities');
  await page
    .getByText(/3 of 10|7 remaining/)
    .first()
    .waitFor();
  await page
    .getByText(/the receiver responded with 503; next attempt in 300 s/)
    .first()
    .waitFor();
  await picture('temporal-pending', 620);
});

test('signals say what they do', async () => {
  await open('retrying', 'first');
  await page.getByRole('button', { name: 'More Actions' }).click();
  await page.getByRole('menuitem', { name: 'Send a Signal' }).click();
  await page.getByTestId('signal-select-button').locator('visible=true').click();
  for (const signal of ['cancel', 'pause', 'resume', 'retryNow'])
    await page
      .getByRole('option', { name: new RegExp(`^${signal} `) })
      .locator('visible=true')
      .waitFor();
  await page.getByText('Make an attempt now, in addition to those of the schedule.').locator('visible=true').waitFor();
  await picture('temporal-signals');
});

test('a paused delivery says why, and what was done to it', async () => {
  await open('paused', 'user-metadata');
  await markdown('Paused', /the receiver is being moved/);
  await picture('temporal-paused', 840);
  await open('paused', 'first');
  await page.getByText('record the state paused').first().waitFor();
});

test.each([
  ['delivered', 'Delivered by attempt 1'],
  ['failed', 'Not delivered: the receiver responded with 410 Gone'],
  ['cancelled', 'Cancelled: the customer has left'],
])('a delivery that is %s says so after its end', async (name, text) => {
  await open(name, 'user-metadata');
  await markdown(text);
});
