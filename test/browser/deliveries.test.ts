/** Finding deliveries, watching them and reporting them what to do. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { eventually } from '../support/eventually.js';
import { describeInBrowser, emit, newReceiver, openDashboard, type DashboardHarness } from './support.js';

describeInBrowser('deliveries', () => {
  let dashboard: DashboardHarness;
  beforeAll(async () => void (dashboard = await openDashboard()));
  afterEach(async () => {
    dashboard.receiver.reply(200);
    await dashboard.closePages();
  });
  afterAll(() => dashboard.close());

  const row = (page: Page, id: string) => page.locator(`[data-delivery="${id}"]`);
  const refuse = () => dashboard.receiver.reply(503);

  test('are filtered by the address, which changes with the filters', async () => {
    const { account } = await newReceiver(dashboard, 'Filters');
    const delivered = await emit(dashboard, account.id);
    await dashboard.system.settled(delivered, 'delivered');
    refuse();
    const retrying = await emit(dashboard, account.id, 'invoice.paid');
    await dashboard.system.settled(retrying, 'retrying');

    const page = await dashboard.openAt(`/deliveries?accountId=${account.id}`);
    await row(page, delivered).waitFor();
    await row(page, retrying).waitFor();
    await page.getByText('retrying', { exact: true }).first().click();
    await row(page, delivered).waitFor({ state: 'detached' });
    expect(page.url()).toContain('state=retrying');
    await page.reload();
    await row(page, retrying).waitFor();
    expect(await page.locator('[data-delivery]').count()).toBe(1);

    await page.getByLabel('Event type').fill('user.created');
    await page.getByLabel('Event type').press('Enter');
    await page.getByText('No delivery matches these filters').waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await row(page, delivered).waitFor();
    expect(new URL(page.url()).search).toBe('');
  });

  test('are few in the page although the list is long', async () => {
    const { account } = await newReceiver(dashboard, 'Long list');
    const batch = Array.from({ length: 80 }, (_, id) => ({ type: 'user.created', data: { id } }));
    for (let sent = 0; sent < 2; sent += 1)
      await dashboard.ask('POST', `/v1/accounts/${account.id}/events`, { events: batch });
    const { data } = await dashboard.ask('GET', `/v1/deliveries?accountId=${account.id}&limit=200`);
    expect(data).toHaveLength(160);

    const page = await dashboard.openAt(`/deliveries?accountId=${account.id}`);
    const [newest, oldest] = [data[0].id, data.at(-1).id];
    await row(page, newest).waitFor();
    const more = page.getByRole('button', { name: 'Show older ones' });
    const showMore = async () => {
      if ((await more.count()) > 0) await more.click({ timeout: 1_000 }).catch(() => undefined);
      return more.count();
    };
    await eventually(showMore, (left) => left === 0);
    expect(await page.locator('[data-delivery]').count()).toBeLessThan(100);
    await page.keyboard.press('End');
    await row(page, oldest).waitFor();
    await row(page, newest).waitFor({ state: 'detached' });
    await page.keyboard.press('Home');
    await row(page, newest).waitFor();
  });

  test('appear and change without being asked for', async () => {
    const { account } = await newReceiver(dashboard, 'Live');
    const page = await dashboard.openAt(`/deliveries?accountId=${account.id}`);
    await page.getByText('No deliveries').waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    refuse();
    const id = await emit(dashboard, account.id);
    await row(page, id).getByText('retrying').waitFor();
    await row(page, id).getByText('503').waitFor();
    dashboard.receiver.reply(200);
    await dashboard.ask('POST', `/v1/deliveries/${id}/retry`);
    await row(page, id).getByText('delivered').waitFor();
  });

  test('are cancelled and redelivered in bulk, counted and confirmed', async () => {
    const { account } = await newReceiver(dashboard, 'Bulk');
    refuse();
    const ids = [
      await emit(dashboard, account.id),
      await emit(dashboard, account.id),
      await emit(dashboard, account.id),
    ];
    await Promise.all(ids.map((id) => dashboard.system.settled(id, 'retrying')));
    const page = await dashboard.openAt(`/deliveries?accountId=${account.id}`);
    await page.getByRole('button', { name: 'Cancel…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('3 deliveries', { exact: true }).waitFor();
    await dialog.getByLabel('Reason').fill('a bad release');
    await dialog.getByRole('button', { name: 'Cancel 3 deliveries' }).click();
    await dialog.getByText('completed: 3 of 3 done').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    const [first] = await Promise.all(ids.map((id) => dashboard.system.settled(id, 'cancelled')));
    expect(first).toMatchObject({ stateReason: 'a bad release' });

    dashboard.receiver.reply(200);
    await page.getByText('cancelled', { exact: true }).first().click();
    await page.getByRole('button', { name: 'Redeliver…' }).click();
    await dialog.getByRole('button', { name: 'Redeliver 3 deliveries' }).click();
    await dialog.getByText('completed: 3 of 3 done').waitFor();
    await Promise.all(ids.map((id) => dashboard.system.settled(id, 'delivered')));
  });

  test('are attempted now in bulk where they wait, counted and confirmed', async () => {
    const { account } = await newReceiver(dashboard, 'Waiting');
    refuse();
    const ids = [await emit(dashboard, account.id), await emit(dashboard, account.id)];
    await Promise.all(ids.map((id) => dashboard.system.settled(id, 'retrying')));
    const page = await dashboard.openAt(`/deliveries?accountId=${account.id}`);
    await page.getByRole('button', { name: 'Retry now…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Retry 2 deliveries' }).click();
    await dialog.getByText('completed: 2 of 2 done').waitFor();
    for (const id of ids)
      await eventually(
        () => dashboard.ask('GET', `/v1/deliveries/${id}`),
        ({ attemptCount }) => attemptCount >= 2,
      );
  });

  test('are ticked and redelivered by a job, which says that accepted ones are sent again', async () => {
    const { account } = await newReceiver(dashboard, 'Ticked');
    dashboard.receiver.reply(200);
    const ids = [
      await emit(dashboard, account.id),
      await emit(dashboard, account.id),
      await emit(dashboard, account.id),
    ];
    await Promise.all(ids.map((id) => dashboard.system.settled(id, 'delivered')));
    const page = await dashboard.openAt(`/deliveries?accountId=${account.id}`);
    for (const id of ids.slice(0, 2)) await page.getByRole('checkbox', { name: `Tick ${id}` }).check();
    await page.getByText('2 ticked:').waitFor();
    await page.getByRole('button', { name: 'Redeliver…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Delivered ones were accepted').waitFor();
    await dialog.getByRole('button', { name: 'Redeliver 2 deliveries' }).click();
    await dialog.getByText('completed: 2 of 2 done').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    for (const id of ids.slice(0, 2))
      await eventually(
        () => dashboard.ask('GET', `/v1/deliveries/${id}`),
        ({ redeliveries, state }) => redeliveries === 1 && state === 'delivered',
      );
    expect(await dashboard.ask('GET', `/v1/deliveries/${ids[2]}`)).toMatchObject({ redeliveries: 0 });
    await page.getByRole('link', { name: 'Jobs' }).click();
    await page.getByText('2 ticked').first().waitFor();
  });

  test('show the request, the response and the attempts to come', async () => {
    const { account, subscription } = await newReceiver(dashboard, 'Detail', {
      headers: { 'X-Tenant': 'a-secret-value' },
    });
    dashboard.receiver.reply((response) => response.writeHead(500).end('{"error":"out of order"}'));
    const id = await emit(dashboard, account.id, 'user.created', { id: 'usr_1', balance: '<exact>' });
    await dashboard.system.settled(id, 'retrying');
    const page = await dashboard.openAt(`/deliveries/${id}`, { permissions: ['clipboard-read', 'clipboard-write'] });
    await page.getByRole('heading', { name: 'user.created' }).waitFor();
    await page.getByText('500 refused').first().waitFor();
    await page.getByText('"error": "out of order"').first().waitFor();
    await page.getByRole('heading', { name: 'Duration by phase' }).waitFor();
    await page.getByRole('img', { name: /made, \d+ to come/ }).waitFor();
    await page.getByRole('group', { name: 'Event', exact: true }).getByText('"balance": "<exact>"').waitFor();
    expect(await page.content()).not.toContain('a-secret-value');
    expect(await page.getByRole('link', { name: 'See it in Temporal' }).getAttribute('href')).toContain(id);
    expect(await page.getByRole('link', { name: dashboard.receiver.url }).getAttribute('href')).toContain(
      subscription.id,
    );

    // The copied command sends what the delivery sends.
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const command: string = await page.evaluate('navigator.clipboard.readText()');
    await promisify(execFile)('sh', ['-c', `${command} --silent --max-time 20`]);
    // Retries of this delivery and of others may come at any time.
    const received = dashboard.receiver.received.filter(({ path }) => path === '/Detail');
    const copied = received.find(({ headers }) => headers['x-tenant'] === '***');
    expect(copied).toMatchObject({ method: 'POST', body: received[0]!.body });
    expect(copied!.headers).toMatchObject({ 'content-type': 'application/json' });
  });

  test('are paused, resumed, tried now, cancelled and redelivered', async () => {
    const { account } = await newReceiver(dashboard, 'Orders');
    refuse();
    const id = await emit(dashboard, account.id);
    await dashboard.system.settled(id, 'retrying');
    const page = await dashboard.openAt(`/deliveries/${id}`);
    const state = (word: string) => page.locator(`main header [data-state="${word}"]`).waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await state('paused');
    await page.getByRole('button', { name: 'Resume' }).click();
    await state('retrying');
    const { attempts } = await dashboard.ask('GET', `/v1/deliveries/${id}`);
    await page.getByRole('button', { name: 'Retry now' }).click();
    await page.getByText(`#${attempts.length + 1}`).waitFor();
    await page.getByRole('button', { name: 'Cancel…' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('no longer wanted');
    await page.getByRole('button', { name: 'Cancel the delivery' }).click();
    await state('cancelled');
    await page.getByText('no longer wanted').waitFor();
    dashboard.receiver.reply(200);
    await page.getByRole('button', { name: 'Redeliver' }).click();
    await state('delivered');
    await page.getByText('200 accepted').first().waitFor();
    await page.getByText('1 time', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Redeliver…' }).click();
    await page.getByText('will get the same event once more').waitFor();
    await page.getByRole('button', { name: 'Send it again' }).click();
    await eventually(
      () => dashboard.ask('GET', `/v1/deliveries/${id}`),
      ({ redeliveries, state }) => redeliveries === 2 && state === 'delivered',
    );
  });

  test('say so when there is no such delivery', async () => {
    const page = await dashboard.openAt('/deliveries/dlv_01hzzzzzzzzzzzzzzzzzzzzzzz');
    await page.getByText('there is no such delivery').waitFor();
  });
});
