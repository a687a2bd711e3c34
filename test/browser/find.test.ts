/** Finding things from every page, as an operator and as a customer, and the pages that they lead to. */
import { describeInBrowser, emit, newReceiver, openDashboard, type DashboardHarness } from './support.js';

/** More than a page of the API has. */
const MANY = 260;

describeInBrowser('finding', () => {
  let dashboard: DashboardHarness;
  beforeAll(async () => void (dashboard = await openDashboard()));
  afterEach(async () => {
    dashboard.receiver.reply(200);
    await dashboard.closePages();
  });
  afterAll(() => dashboard.close());

  const messageIdOf = async (deliveryId: string) => {
    const { eventId } = await dashboard.ask('GET', `/v1/deliveries/${deliveryId}`);
    return (await dashboard.ask('GET', `/v1/events/${eventId}`)).messageId as string;
  };

  test('leads from the number of an invoice to its delivery, which is sent again', async () => {
    const { account } = await newReceiver(dashboard, 'Invoices');
    dashboard.receiver.reply(503);
    const id = await emit(dashboard, account.id, 'invoice.paid', { number: 'INV-2026-0815' });
    await dashboard.system.settled(id, 'retrying');
    const page = await dashboard.openAt('/overview');
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('INV-2026-0815');
    await page.keyboard.press('Enter');
    // The first click.
    await page.locator(`[data-delivery="${id}"] a`).click();
    await page.getByText('503').first().waitFor();
    dashboard.receiver.reply(200);
    // The second one.
    await page.getByRole('button', { name: 'Retry now' }).click();
    await dashboard.system.settled(id, 'delivered');
  });

  test('leads from the id in a receiver’s header to its event, once', async () => {
    const { account } = await newReceiver(dashboard, 'Twice');
    const id = await emit(dashboard, account.id);
    await dashboard.system.settled(id, 'delivered');
    const messageId = await messageIdOf(id);
    for (const key of [undefined, account.apiKey as string]) {
      const page = await dashboard.openAt('/deliveries', key === undefined ? {} : { key });
      await page.getByRole('searchbox', { name: 'Find' }).fill(messageId);
      await page.getByRole('searchbox', { name: 'Find' }).press('Enter');
      await page.getByText('webhook-id', { exact: true }).waitFor();
      await page.getByRole('button', { name: messageId }).waitFor();
      await page.locator(`[data-delivery="${id}"]`).getByText('delivered').waitFor();
      // Back is where the search began.
      await page.goBack();
      await page.getByRole('heading', { name: 'Deliveries', level: 1 }).waitFor();
    }
  });

  test('leads to all deliveries of a host, and shows a customer its own only', async () => {
    const { account } = await newReceiver(dashboard, 'Mine', { url: 'http://127.0.0.1:9/shared-by-both' });
    const other = await newReceiver(dashboard, 'Theirs', { url: 'http://127.0.0.1:9/shared-by-both' });
    const [own, foreign] = [await emit(dashboard, account.id), await emit(dashboard, other.account.id)];
    const page = await dashboard.openAt('/find?q=shared-by-both');
    await page.getByRole('link', { name: 'Theirs' }).waitFor();
    await page.goto('/deliveries?host=127.0.0.1');
    await page.locator(`[data-delivery="${own}"]`).getByText('Mine').waitFor();
    await page.locator(`[data-delivery="${foreign}"]`).getByText('Theirs').waitFor();
    const customers = await dashboard.openAt('/find?q=shared-by-both', { key: account.apiKey });
    await customers.getByRole('link', { name: 'http://127.0.0.1:9/shared-by-both' }).waitFor();
    expect(await customers.getByText('Theirs').count()).toBe(0);
    await customers.goto(`/find?q=${foreign}`);
    await customers.getByText('Nothing found').waitFor();
    await customers.goto(`/events/${(await dashboard.ask('GET', `/v1/deliveries/${foreign}`)).eventId}`);
    await customers.getByRole('alert').getByText('Not found').waitFor();
  });

  test('shows an event that nobody took', async () => {
    const account = await dashboard.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Nobody' });
    await dashboard.ask('POST', `/v1/accounts/${account.id}/events`, {
      type: 'user.created',
      data: { id: 'lost-one' },
    });
    const page = await dashboard.openAt('/events');
    await page.getByLabel('Text in the payload').fill('lost-one');
    await page.getByLabel('Text in the payload').press('Enter');
    await page.getByText('nobody took it').waitFor();
    await page.getByText('all that there are').waitFor();
    await page.locator('[data-event] a').click();
    await page.getByText('no enabled subscription of the account received this event').waitFor();
    await page.getByText('"id": "lost-one"').waitFor();
  });

  test('keeps filters under a name in this browser', async () => {
    const page = await dashboard.openAt('/deliveries?state=failed&status=5xx');
    await page.getByRole('button', { name: 'Save as a view' }).click();
    await page.getByLabel('Name of the view').fill('Broken receivers');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('button', { name: 'Broken receivers', pressed: true }).waitFor();
    await page.goto('/deliveries');
    await page.getByRole('button', { name: 'Broken receivers' }).click();
    await page.waitForURL(/state=failed&status=5xx/);
    await page.getByRole('button', { name: 'Delete this view' }).click();
    await page.getByRole('button', { name: 'Broken receivers' }).waitFor({ state: 'detached' });
  });

  test('offers accounts and subscriptions beyond the newest ones', async () => {
    const { subscription } = await newReceiver(dashboard, 'Oldest of many');
    for (let count = 0; count < MANY; count += 20)
      await Promise.all(
        Array.from({ length: 20 }, () =>
          dashboard.ask('POST', '/v1/accounts', { provider: 'bird', name: 'One of many' }),
        ),
      );
    const page = await dashboard.openAt('/subscriptions');
    // Of all accounts, with the account's name.
    await page.getByRole('row').filter({ hasText: 'Oldest of many' }).getByText(subscription.url).waitFor();
    await page.getByLabel('Account', { exact: true }).and(page.locator('input')).fill('oldest of');
    await page.getByRole('option', { name: 'Oldest of many (standard)' }).click();
    await page.waitForURL(/accountId=acc_/);
    await page.reload();
    await page.locator('input[value="Oldest of many (standard)"]').waitFor();
    await page.goto('/accounts?q=oldest%20of');
    await page.getByRole('link', { name: 'Oldest of many' }).waitFor();
    expect(await page.getByText('One of many').count()).toBe(0);
  });
});
