/** The customer portal in a page of another origin: the example of the documentation, as it is. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FrameLocator, Page } from 'playwright-core';
import { pickPort } from '../../src/embedded/ports.js';
import { ADMIN_KEY } from '../support/api.js';
import { describeInBrowser, emit, newReceiver, openDashboard, type DashboardHarness } from './support.js';

const root = join(__dirname, '../..');
const example = join(root, 'docs/examples/portal-server.mjs');

/** A page of a platform that is made with React. */
const REACT_PROGRAM = `
import { createElement, StrictMode, useState } from '${root}/node_modules/react/index.js';
import { createRoot } from '${root}/node_modules/react-dom/client.js';
import { PigeonpostPortal } from '${root}/dashboard/src/embed/index.tsx';
const element = document.getElementById('root');
function Page() {
  const [expired, setExpired] = useState(false);
  const { url } = element.dataset;
  return expired ? 'It has expired' : createElement(PigeonpostPortal, { url, onExpired: () => setExpired(true) });
}
createRoot(element).render(createElement(StrictMode, null, createElement(Page)));
`;

describeInBrowser('the customer portal', () => {
  let dashboard: DashboardHarness;
  /** The port of the only other origin that may embed it. */
  let port: number;
  /** What ends the servers of a test. */
  const servers: (() => Promise<unknown>)[] = [];
  /** What the browser reports of the frame that it refuses. */
  let refusal: RegExp | undefined;

  beforeAll(async () => {
    port = await pickPort();
    dashboard = await openDashboard({ portal: { frameAncestors: [`http://127.0.0.1:${port}`] } });
  });
  afterEach(async () => {
    dashboard.receiver.reply(200);
    await Promise.all(servers.splice(0).map((end) => end()));
    await dashboard.closePages(refusal);
    refusal = undefined;
  });
  afterAll(() => dashboard.close());

  /** The example's page with the portal of an account. */
  async function embed(accountId: string, settings: Record<string, string> = {}, at = port): Promise<Page> {
    const env = {
      ...{ PATH: process.env.PATH, PIGEONPOST_URL: dashboard.system.url, PIGEONPOST_KEY: ADMIN_KEY },
      ...{ ACCOUNT_ID: accountId, PORT: String(at), ...settings },
    };
    const server = spawn(process.execPath, [example], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    servers.push(() => end(server));
    await once(server.stdout, 'data');
    const page = await dashboard.open();
    await page.goto(`http://127.0.0.1:${at}/`);
    return page;
  }

  const inFrame = (page: Page) => page.frameLocator('iframe[title="Webhooks"]');

  test('is where an endpoint is created and tested, and a delivery is sent again', async () => {
    const { id } = await dashboard.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Embedded' });
    const page = await embed(id);
    const portal = inFrame(page);
    await portal.getByText('No endpoints').waitFor();
    await portal.getByRole('link', { name: 'New endpoint' }).click();
    await portal.getByLabel('URL').fill('not an address');
    await portal.getByRole('button', { name: 'Create' }).click();
    await portal.getByText('See the fields marked above.').waitFor();
    await portal.getByLabel('URL').fill(`${dashboard.receiver.url}/embedded`);
    await portal.getByLabel('Description').fill('Orders');
    await portal.getByRole('button', { name: 'Create' }).click();
    await portal.getByText('Created', { exact: true }).waitFor();
    const { data } = await dashboard.ask('GET', `/v1/accounts/${id}/subscriptions`);
    expect(data).toEqual([expect.objectContaining({ description: 'Orders', enabled: true })]);

    await portal.getByRole('link', { name: 'To the endpoint' }).click();
    await portal.getByRole('button', { name: 'Send', exact: true }).click();
    await portal.getByRole('link', { name: 'see the delivery' }).click();
    await portal.locator('header [data-state="delivered"]').waitFor();
    expect(dashboard.receiver.received.at(-1)).toMatchObject({ path: '/embedded' });

    await portal.getByRole('button', { name: 'Send again…' }).click();
    await portal.getByRole('button', { name: 'Send it again' }).click();
    await portal.getByText('redelivery 1').first().waitFor();
    await portal.locator('header [data-state="delivered"]').waitFor();
    await portal.getByRole('link', { name: 'Deliveries', exact: true }).click();
    await portal.locator('[data-delivery]').waitFor();
    // The frame is as high as what is in it: nothing scrolls within.
    expect(await portal.locator('html').evaluate('document.documentElement.scrollHeight - innerHeight')).toBe(0);
  });

  test('keeps the token out of the address', async () => {
    const { id } = await dashboard.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Token' });
    const { url, token } = await dashboard.ask('POST', `/v1/accounts/${id}/portal-links`);
    const page = await dashboard.open();
    await page.goto(url);
    await page.getByText('No endpoints').waitFor();
    expect(page.url()).not.toContain(token);
    await page.reload();
    await page.getByText('No endpoints').waitFor();
    const icon = await page.locator('link[rel="icon"]').evaluate((link: { href: string }) => link.href);
    const response = await fetch(icon);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, expect.stringContaining('svg')]);
  });

  /** A page at the origin that may embed the portal, with the script of it. */
  async function openPage(content: string, program = ''): Promise<Page> {
    const html = `<script src="${dashboard.system.url}/portal.js"></script><link rel="icon" href="data:," />${content}`;
    const server = createServer((request, response) => {
      const isProgram = request.url === '/program.js';
      response.setHeader('content-type', isProgram ? 'text/javascript' : 'text/html');
      response.end(isProgram ? program : html);
    });
    servers.push(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));
    await once(server.listen(port, '127.0.0.1'), 'listening');
    const page = await dashboard.open();
    await page.goto(`http://127.0.0.1:${port}/`);
    return page;
  }

  test('is opened in an element that names its link', async () => {
    const { account } = await newReceiver(dashboard, 'Attribute');
    const { url } = await dashboard.ask('POST', `/v1/accounts/${account.id}/portal-links`);
    const page = await openPage(`<div data-pigeonpost-portal="${url}"></div>`);
    await inFrame(page).getByRole('heading', { name: 'Endpoints' }).waitFor();
    expect(await page.content()).not.toContain('data-pigeonpost-portal');
  });

  test('is a component of React', async () => {
    const { account } = await newReceiver(dashboard, 'React');
    const { url } = await dashboard.ask('POST', `/v1/accounts/${account.id}/portal-links`);
    const content = `<div id="root" data-url="${url}"></div><script src="program.js"></script>`;
    const page = await openPage(content, bundle(REACT_PROGRAM));
    await inFrame(page).getByRole('heading', { name: 'Endpoints' }).waitFor();
    expect(await page.locator('iframe').count()).toBe(1);
    await dashboard.ask('DELETE', `/v1/accounts/${account.id}/portal-links`);
    load(inFrame(page));
    await page.getByText('It has expired').waitFor();
    expect(await page.locator('iframe').count()).toBe(0);
  });

  test('shows only what a link may: no buttons with a link for reading', async () => {
    const { account, subscription } = await newReceiver(dashboard, 'Reader');
    const delivery = await emit(dashboard, account.id);
    await dashboard.system.settled(delivery, 'delivered');
    const page = await embed(account.id, { ACCESS: 'read' });
    const portal = inFrame(page);
    await portal.getByRole('link', { name: subscription.url.replace('http://', '') }).click();
    await portal.getByRole('heading', { name: 'Settings' }).waitFor();
    await portal.getByText('1 delivery accepted, 0 failed').waitFor();
    expect(await portal.getByRole('button').allTextContents()).toEqual([expect.stringContaining(subscription.id)]);
    await portal.getByRole('navigation').getByRole('link', { name: 'Deliveries' }).click();
    await portal.locator('[data-delivery] a').click();
    await portal.getByText('Duration by phase').waitFor();
    expect(await portal.getByRole('button', { name: /send/i }).count()).toBe(0);
    await portal.getByRole('link', { name: 'Event catalogue' }).click();
    await portal.getByText('user.created').click();
    await portal.getByRole('heading', { name: 'Schema' }).waitFor();
    expect(await portal.getByRole('button', { name: /send/i }).count()).toBe(0);
  });

  test('cannot be embedded by other pages', async () => {
    refusal = /frame-ancestors|postMessage/;
    const { account } = await newReceiver(dashboard, 'Elsewhere');
    const page = await embed(account.id, {}, await pickPort());
    const frame = await page.waitForSelector('iframe[title="Webhooks"]');
    const content = await frame.contentFrame();
    await content!.waitForURL('chrome-error://chromewebdata/');
    expect(await inFrame(page).getByRole('heading', { name: 'Endpoints' }).count()).toBe(0);
  });

  test('says when its link was revoked, to the customer and to the page around it', async () => {
    const { account } = await newReceiver(dashboard, 'Revoked');
    const page = await embed(account.id);
    await inFrame(page).getByRole('heading', { name: 'Endpoints' }).waitFor();
    await dashboard.ask('DELETE', `/v1/accounts/${account.id}/portal-links`);
    load(inFrame(page));
    await page.getByText('The session has ended.').waitFor();
    await page.getByRole('button', { name: 'Open it again' }).click();
    await inFrame(page).getByRole('heading', { name: 'Endpoints' }).waitFor();
  });

  test('says that its session has ended where it stands alone', async () => {
    const { account } = await newReceiver(dashboard, 'Alone');
    const { url } = await dashboard.ask('POST', `/v1/accounts/${account.id}/portal-links`);
    const page = await dashboard.open();
    await page.goto(url);
    await page.getByRole('heading', { name: 'Endpoints' }).waitFor();
    await dashboard.ask('DELETE', `/v1/accounts/${account.id}/portal-links`);
    load(page);
    await page.getByText('This session has ended').waitFor();
    await page.reload();
    await page.getByText('This session has ended').waitFor();
  });

  test('sends what waits, and what was missed, after it was counted', async () => {
    dashboard.receiver.reply(503);
    const { account, subscription } = await newReceiver(dashboard, 'Outage');
    const ids = [await emit(dashboard, account.id), await emit(dashboard, account.id)];
    await Promise.all(ids.map((id) => dashboard.system.settled(id, 'retrying')));
    const portal = inFrame(await embed(account.id));
    await portal.getByText('failing for').waitFor();
    await portal.getByRole('link', { name: subscription.url.replace('http://', '') }).click();
    await portal.getByText('2 deliveries', { exact: true }).waitFor();
    await portal.getByRole('button', { name: 'Count them' }).click();
    await portal.getByText('2 deliveries to send again: 2 retrying.').waitFor();
    dashboard.receiver.reply(200);
    await portal.getByRole('button', { name: 'Send what waits now' }).click();
    await portal.getByText('completed').waitFor();
    await Promise.all(ids.map((id) => dashboard.system.settled(id, 'delivered')));
  });

  test('edits, pauses, shows secrets and deletes after asking', async () => {
    const { account, subscription } = await newReceiver(dashboard, 'Managed');
    const portal = inFrame(await embed(account.id));
    await portal.getByRole('link', { name: subscription.url.replace('http://', '') }).click();
    await portal.getByRole('button', { name: 'Show it' }).click();
    await portal.getByText(subscription.secret).waitFor();
    await portal.getByRole('button', { name: 'Rotate the secret' }).click();
    await portal.getByText('The new secret').waitFor();
    await portal.getByRole('button', { name: 'Pause' }).click();
    await portal.getByText('Deliveries wait since').waitFor();
    await portal.getByRole('button', { name: 'Resume' }).click();
    await portal.getByRole('link', { name: 'Edit' }).click();
    await portal.getByLabel('Description').fill('For the shop');
    await portal.getByRole('button', { name: 'Save' }).click();
    await portal.getByText('For the shop').waitFor();
    await portal.getByRole('button', { name: 'Delete…' }).click();
    await portal.getByRole('button', { name: 'Delete it' }).click();
    await portal.getByText('No endpoints').waitFor();
    expect((await dashboard.system.ask('GET', `/v1/subscriptions/${subscription.id}`)).status).toBe(404);
  });

  test('sends an example from the catalogue', async () => {
    const { account } = await newReceiver(dashboard, 'Catalogue');
    const portal = inFrame(await embed(account.id));
    await portal.getByRole('link', { name: 'Event catalogue' }).click();
    await portal.getByText('invoice.paid').click();
    await portal.getByRole('button', { name: 'Send example' }).click();
    await portal.getByRole('link', { name: 'see the delivery' }).click();
    await portal.locator('header [data-state="delivered"]').waitFor();
  });
});

/** Has the portal load something, unless it has just done so and ended. */
function load(portal: Page | FrameLocator): void {
  void portal
    .locator('body')
    .evaluate("location.hash = '#/deliveries'")
    .catch(() => undefined);
}

/** A program with all that it imports, as a plain script. */
function bundle(program: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'pigeonpost-react-'));
  try {
    writeFileSync(join(folder, 'program.js'), program);
    const options = {
      ...{ root: folder, configFile: false, logLevel: 'error', define: { 'process.env.NODE_ENV': '"production"' } },
      build: { outDir: 'out', lib: { entry: 'program.js', formats: ['iife'], name: 'Program', fileName: 'program' } },
    };
    const build = `import { build } from 'vite'; await build(${JSON.stringify(options)});`;
    execFileSync(process.execPath, ['--input-type=module', '-e', build], {
      cwd: root,
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: 'inherit',
    });
    const [made] = readdirSync(join(folder, 'out'));
    return readFileSync(join(folder, 'out', made!), 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function end(server: ChildProcess): Promise<void> {
  const closed = once(server, 'close');
  server.kill();
  await closed;
}
