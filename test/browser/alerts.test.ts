/** Alerts in the dashboard, and what needs attention because of a circuit breaker. */
import { evaluateRule } from '../../src/dispatch/alerts/run.js';
import { describeInBrowser, newReceiver, openDashboard, type DashboardHarness } from './support.js';

describeInBrowser('alerts', () => {
  let dashboard: DashboardHarness;
  beforeAll(async () => void (dashboard = await openDashboard()));
  afterEach(() => dashboard.closePages());
  afterAll(() => dashboard.close());

  test('has rules that are added, tested and deleted, and what they have raised', async () => {
    const page = await dashboard.openAt('/alerts');
    await page.getByText('Nobody is alerted by this installation.').waitFor();
    await page.getByRole('button', { name: 'Add a rule' }).click();
    await page.getByRole('button', { name: 'Create the rule' }).click();
    await page.getByText('must be an absolute URL').or(page.getByText('Too small')).first().waitFor();
    await page.getByLabel('Name').fill('Breakers');
    await page.getByLabel('When').selectOption('A circuit breaker is open');
    await page.getByLabel('URL').fill(`${dashboard.receiver.url}/alerts`);
    await page.getByRole('button', { name: 'Create the rule' }).click();
    await page.getByText('This is the only time that it is shown.').waitFor();
    await page.getByRole('button', { name: 'Test the rule Breakers' }).click();
    await page.getByText('Sent.').waitFor();
    expect(JSON.parse(dashboard.receiver.received.at(-1)!.body)).toMatchObject({ type: 'alert.test' });

    const { subscription } = await newReceiver(dashboard, 'Broken');
    const { store } = dashboard.system.database;
    const breaker = {
      kind: 'open',
      attempts: 20,
      failures: 12,
      trial: [],
      nextProbeAt: Date.now() + 3_600_000,
      stage: 0,
    };
    await store.pool.query('UPDATE subscriptions SET breaker = $2, breaker_opened_at = now() WHERE id = $1', [
      subscription.id,
      JSON.stringify(breaker),
    ]);
    const { data } = await dashboard.ask('GET', '/v1/alert-rules');
    await evaluateRule(store, data[0].id as string);
    await page.reload();
    await page.getByRole('cell', { name: 'lasts' }).waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByText('circuit breaker open: 12 of 20 attempts had failed').waitFor();

    await page.getByRole('link', { name: 'Alerts' }).click();
    await page.getByRole('button', { name: 'Delete the rule Breakers' }).click();
    await page.getByRole('button', { name: 'Delete it' }).click();
    await page.getByText('Nobody is alerted by this installation.').waitFor();
    await page.getByText('No rule has raised one.').waitFor();
  });
});
