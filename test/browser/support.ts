/** The dashboard in a real browser, served by a real system. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { ADMIN_KEY } from '../support/api.js';
import { BROWSER_ADVICE, browserPath, openBrowser } from '../support/browser.js';
import { orSkip } from '../support/installed.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type SystemOptions, type TestSystem } from '../support/system.js';

const root = join(__dirname, '../..');

/** Longer than anything takes on a busy machine; what fails waits for so long. */
const MAX_WAIT_MS = 40_000;

/** `describe`, skipped where there is no browser. */
export const describeInBrowser = orSkip(describe, browserPath, BROWSER_ADVICE);

export interface DashboardHarness {
  readonly system: TestSystem;
  readonly receiver: Receiver;
  /** A page of a browser that knows nothing of the others. */
  readonly open: (options?: BrowserContextOptions) => Promise<Page>;
  /** One that is signed in, at an address. */
  readonly openAt: (path: string, options?: BrowserContextOptions & { key?: string }) => Promise<Page>;
  /** The body of a success of the API, asked as an administrator. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into responses freely
  readonly ask: (method: string, path: string, body?: unknown) => Promise<any>;
  /**
   * Closes the pages of a test; throws when one of them reported an error or broke the page's policy, other than `expected`.
   */
  readonly closePages: (expected?: RegExp) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Builds the dashboard where needed and starts everything. */
export async function openDashboard(options: SystemOptions = {}): Promise<DashboardHarness> {
  execFileSync(process.execPath, [join(root, 'scripts/dashboard.mjs')], { stdio: 'inherit' });
  const [system, receiver, browser] = await Promise.all([
    startSystem({}, undefined, options),
    startReceiver(),
    openBrowser(),
  ]);
  return dashboard(system, receiver, browser);
}

function dashboard(system: TestSystem, receiver: Receiver, browser: Browser): DashboardHarness {
  const contexts: BrowserContext[] = [];
  const complaints: string[] = [];

  async function open(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ baseURL: system.url, reducedMotion: 'reduce', ...options });
    context.setDefaultTimeout(MAX_WAIT_MS);
    contexts.push(context);
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      // A response that is not a success is shown by the page; the browser says so on its own account.
      const isResponse = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !isResponse) complaints.push(message.text());
    });
    return page;
  }

  return {
    system,
    receiver,
    open,
    async openAt(path, { key = ADMIN_KEY, ...options } = {}) {
      const page = await open(options);
      await page.goto('/');
      await signIn(page, key);
      await page.goto(path);
      return page;
    },
    async ask(method, path, body) {
      const response = await system.ask(method, path, body);
      if (response.status >= 300) throw new Error(`${method} ${path}: ${response.text}`);
      return response.body;
    },
    async closePages(expected) {
      await Promise.all(contexts.splice(0).map((context) => context.close()));
      expect(complaints.splice(0).filter((complaint) => !expected?.test(complaint))).toEqual([]);
    },
    async close() {
      await browser.close();
      await system.stop();
      await receiver.close();
    },
  };
}

export async function signIn(page: Page, key: string): Promise<void> {
  await page.getByLabel('Key', { exact: true }).fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
}

/** An account of Standard Webhooks with a subscription at the receiver. */
export async function newReceiver(
  { ask, receiver }: DashboardHarness,
  name: string,
  fields: Record<string, unknown> = {},
) {
  const account = await ask('POST', '/v1/accounts', { provider: 'standard', name });
  const subscription = await ask('POST', `/v1/accounts/${account.id}/subscriptions`, {
    url: `${receiver.url}/${encodeURIComponent(name)}`,
    eventTypes: [],
    ...fields,
  });
  return { account, subscription };
}

export interface Made {
  readonly id: string;
  readonly apiKey: string;
  readonly secret: string;
}

/** Emits an event; the id of its only delivery. */
export async function emit(
  { ask }: DashboardHarness,
  accountId: string,
  type = 'user.created',
  data: unknown = { id: 'usr_1' },
) {
  const event = await ask('POST', `/v1/accounts/${accountId}/events`, { type, data });
  return event.deliveries[0].id as string;
}
