/** Subscriptions: the form of each contract, and what can be done with one. */
import { eventually } from '../support/eventually.js';
import { describeInBrowser, emit, newReceiver, openDashboard, type DashboardHarness } from './support.js';

/** Longer than any of these tests: nothing is attempted again by itself. */
const HOURLY = { waits: [3_600, 3_600] };

describeInBrowser('subscriptions', () => {
  let dashboard: DashboardHarness;
  beforeAll(async () => void (dashboard = await openDashboard()));
  afterEach(async () => {
    dashboard.receiver.reply(200);
    await dashboard.closePages();
  });
  afterAll(() => dashboard.close());

  test('are created by a form of the contract, which marks what is wrong', async () => {
    const account = await dashboard.ask('POST', '/v1/accounts', { provider: 'postmark', name: 'Form' });
    const page = await dashboard.openAt(`/subscriptions?accountId=${account.id}`);
    await page.getByRole('link', { name: 'Create the first one.' }).click();
    await page.getByLabel('URL').fill('not an address');
    await page.getByRole('combobox', { name: 'Event types' }).fill('Bounce');
    await page.getByRole('combobox', { name: 'Event types' }).press('Enter');
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await page.getByText('See the fields marked above.').waitFor();
    expect(await page.getByLabel('URL').getAttribute('aria-invalid')).toBe('true');

    await page.getByLabel('URL').fill(`${dashboard.receiver.url}/form`);
    await page.getByRole('button', { name: 'Set HTTP auth' }).click();
    await page.getByLabel('Username').fill('kim');
    await page.getByLabel('Password').fill('letmein');
    await page.getByText('Advanced', { exact: true }).click();
    await page.getByRole('button', { name: 'Add to Headers' }).click();
    await page.getByLabel('Headers: name 1').fill('X-Shop');
    await page.getByLabel('Headers: value 1').fill('north');
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await page.getByText('Created', { exact: true }).waitFor();
    const { data } = await dashboard.ask('GET', `/v1/accounts/${account.id}/subscriptions`);
    expect(data).toEqual([
      expect.objectContaining({
        url: `${dashboard.receiver.url}/form`,
        eventTypes: ['Bounce'],
        headers: { 'X-Shop': '***' },
        httpAuth: expect.objectContaining({ username: 'kim' }),
      }),
    ]);
  });

  test('are edited without touching what is secret', async () => {
    const { account, subscription } = await newReceiver(dashboard, 'Edited', { headers: { 'X-Tenant': 'kept' } });
    const page = await dashboard.openAt(`/subscriptions/${subscription.id}/edit`);
    await page.getByLabel('Description').fill('Orders of the shop');
    await page.getByText('Advanced', { exact: true }).click();
    await page.getByLabel('Rate per second').fill('2.5');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Orders of the shop').waitFor();
    await emit(dashboard, account.id);
    const received = await dashboard.receiver.waitFor(1);
    expect(received.at(-1)?.headers['x-tenant']).toBe('kept');
    expect(await dashboard.ask('GET', `/v1/subscriptions/${subscription.id}`)).toMatchObject({ ratePerSecond: 2.5 });

    await page.getByRole('link', { name: 'Edit', exact: true }).click();
    await page.getByLabel('Replace headers').check();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
    expect(await dashboard.ask('GET', `/v1/subscriptions/${subscription.id}`)).toMatchObject({ headers: {} });
  });

  test('try a filter and a transformation before they are saved', async () => {
    const { account, subscription } = await newReceiver(dashboard, 'Payload', { enabled: false });
    for (const total of [20, 120])
      await dashboard.ask('POST', `/v1/accounts/${account.id}/events`, { type: 'invoice.paid', data: { total } });
    const page = await dashboard.openAt(`/subscriptions/${subscription.id}/edit`);
    await page.getByText('Filter and transformation').click();
    await page.getByLabel('Filter').fill('{"data.total": {"gte": 100}}');
    await page.getByRole('button', { name: 'Try the filter' }).click();
    await page.getByText('1 of the last 2 events would pass.').waitFor();
    await page.getByLabel('Transformation').fill('{"sum": data.id}');
    await page.getByRole('button', { name: 'Try the transformation' }).click();
    await page.getByRole('group', { name: 'Transformed body' }).getByText('"data":{"sum":"usr_1"}').waitFor();
    await page.getByLabel('Filter').fill('{"data.total": {"above": 100}}');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('is not an operator').first().waitFor();
    await page.getByLabel('Filter').fill('{"data.total": {"gte": 100}}');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
    expect(await dashboard.ask('GET', `/v1/subscriptions/${subscription.id}`)).toMatchObject({
      filter: { 'data.total': { gte: 100 } },
      transformation: '{"sum": data.id}',
    });
  });

  test('send a test event, show and rotate their secret', async () => {
    const { subscription } = await newReceiver(dashboard, 'Secret');
    const page = await dashboard.openAt(`/subscriptions/${subscription.id}`);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.getByRole('link', { name: 'see the delivery' }).click();
    await page.locator('main header [data-state="delivered"]').waitFor();
    await page.goBack();
    await page.getByRole('button', { name: 'Show it' }).click();
    await page.getByText(subscription.secret).waitFor();
    await page.getByRole('button', { name: 'Rotate the secret' }).click();
    await page.getByText('The new secret').waitFor();
    const { secret } = await dashboard.ask('GET', `/v1/subscriptions/${subscription.id}/secret`);
    expect(secret).not.toBe(subscription.secret);
    await page.getByText(secret).waitFor();
  });

  test('recover what they missed: counted, started and followed', async () => {
    const { account, subscription } = await newReceiver(dashboard, 'Recover');
    dashboard.receiver.reply(500);
    const ids = [await emit(dashboard, account.id), await emit(dashboard, account.id)];
    await Promise.all(ids.map((id) => dashboard.system.settled(id, 'retrying')));
    for (const id of ids) await dashboard.ask('POST', `/v1/deliveries/${id}/cancel`);
    await Promise.all(ids.map((id) => dashboard.system.settled(id, 'cancelled')));
    dashboard.receiver.reply(200);

    const page = await dashboard.openAt(`/subscriptions/${subscription.id}`);
    await page.getByRole('button', { name: 'Count them' }).click();
    await page.getByText('Nothing to send again.').waitFor();
    await page.getByLabel('cancelled', { exact: true }).check();
    await page.getByRole('button', { name: 'Count them' }).click();
    await page.getByRole('button', { name: 'Send 2 deliveries again' }).click();
    await page.getByText('completed').waitFor();
    await page.getByText('2 deliveries sent again').waitFor();
    await Promise.all(ids.map((id) => dashboard.system.settled(id, 'delivered')));
  });

  test('recover deliveries that wait for their next attempt', async () => {
    const { account, subscription } = await newReceiver(dashboard, 'Outage');
    dashboard.receiver.reply(503);
    const id = await emit(dashboard, account.id);
    await dashboard.system.settled(id, 'retrying');
    const page = await dashboard.openAt(`/subscriptions/${subscription.id}`);
    await page.getByRole('button', { name: 'Count them' }).click();
    await page.getByText('1 delivery to send again: 1 retrying.').waitFor();
    dashboard.receiver.reply(200);
    await page.getByRole('button', { name: 'Send 1 delivery again' }).click();
    expect(await dashboard.system.settled(id, 'delivered')).toMatchObject({ redeliveries: 0 });
  });

  test('recover the events that a disabled one has missed, once it is enabled again', async () => {
    const { account, subscription } = await newReceiver(dashboard, 'Missed', { enabled: false });
    const { deliveries } = await dashboard.ask('POST', `/v1/accounts/${account.id}/events`, {
      type: 'user.created',
      data: { id: 'usr_missed' },
    });
    expect(deliveries).toEqual([]);
    const page = await dashboard.openAt(`/subscriptions/${subscription.id}`);
    await page.getByRole('button', { name: 'Count them' }).click();
    await page.getByText('1 delivery to send again: 1 missing.').waitFor();
    await page.getByRole('button', { name: 'Send 1 delivery again' }).click();
    await page.getByText('completed').waitFor();
    const { data } = await dashboard.ask('GET', `/v1/deliveries?subscriptionId=${subscription.id}`);
    expect(data).toMatchObject([{ state: 'paused', stateReason: 'the subscription is disabled' }]);
    await page.getByRole('button', { name: 'Enable' }).click();
    await dashboard.system.settled(data[0].id, 'delivered');
  });

  test('show an open circuit breaker with what waits, and close it', async () => {
    dashboard.receiver.reply(503);
    const { account, subscription } = await newReceiver(dashboard, 'Broken', {
      policy: { schedule: HOURLY, breaker: { minAttempts: 1, probeAfterS: 3_600 } },
    });
    const failed = await emit(dashboard, account.id);
    await eventually(
      () => dashboard.ask('GET', `/v1/subscriptions/${subscription.id}`),
      ({ breaker }) => breaker !== null,
    );
    const waiting = await emit(dashboard, account.id);
    const page = await dashboard.openAt(`/subscriptions/${subscription.id}`);
    const note = page.getByRole('note', { name: 'Circuit breaker open' });
    await note.getByText('1 delivery waits').waitFor();
    await note.getByText('Next probe').waitFor();
    dashboard.receiver.reply(200);
    await note.getByRole('button', { name: 'Close and send' }).click();
    await note.waitFor({ state: 'detached' });
    await dashboard.system.settled(waiting, 'delivered');
    // It was attempted in its workflow, whose wait goes on.
    expect(await dashboard.ask('GET', `/v1/deliveries/${failed}`)).toMatchObject({ state: 'retrying' });
  });

  test('send what waits for the next attempt with one click, when the receiver is back', async () => {
    const { account, subscription } = await newReceiver(dashboard, 'Back', { policy: { schedule: HOURLY } });
    dashboard.receiver.reply(503);
    const ids = [await emit(dashboard, account.id), await emit(dashboard, account.id)];
    await Promise.all(ids.map((id) => dashboard.system.settled(id, 'retrying')));
    const page = await dashboard.openAt(`/subscriptions/${subscription.id}`);
    await page.getByText('2 deliveries wait for the next attempt.').waitFor();
    dashboard.receiver.reply(200);
    await page.getByRole('button', { name: 'Send them now' }).click();
    await page.getByText('completed: 2 of 2 done').waitFor();
    for (const id of ids)
      expect(await dashboard.system.settled(id, 'delivered')).toMatchObject({ redeliveries: 0, attemptCount: 2 });
  });

  test('are disabled, have waiting deliveries cancelled, and are enabled and deleted', async () => {
    const { account, subscription } = await newReceiver(dashboard, 'Toggle');
    dashboard.receiver.reply(500);
    const id = await emit(dashboard, account.id);
    await dashboard.system.settled(id, 'retrying');
    const page = await dashboard.openAt(`/subscriptions/${subscription.id}`);
    await page.getByText('1 attempt, the first').waitFor();
    await page.getByRole('button', { name: 'Disable' }).click();
    await page.getByText('what is recovered waits as paused until it is enabled again').waitFor();
    await page.getByRole('button', { name: 'Cancel them…' }).click();
    await page.getByRole('button', { name: 'Cancel its open deliveries' }).click();
    await page.getByText('1 delivery cancelled.').waitFor();
    await dashboard.system.settled(id, 'cancelled');
    await page.getByRole('button', { name: 'Enable' }).click();
    await page.getByRole('button', { name: 'Disable' }).waitFor();
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete it' }).click();
    await page.getByText('No subscriptions').waitFor();
    expect((await dashboard.system.ask('GET', `/v1/subscriptions/${subscription.id}`)).status).toBe(404);
  });
});
