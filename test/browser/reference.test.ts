/** The API reference in a real browser: nothing is loaded from elsewhere, and the page's policy suffices for it. */
import { describeInBrowser, openDashboard, type DashboardHarness } from './support.js';

describeInBrowser('the API reference', () => {
  let dashboard: DashboardHarness;
  beforeAll(async () => void (dashboard = await openDashboard()));
  afterEach(() => dashboard.closePages());
  afterAll(() => dashboard.close());

  test('shows operations, error codes and the own APIs of the providers', async () => {
    const page = await dashboard.open({ viewport: { width: 1440, height: 900 } });
    const elsewhere: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(dashboard.system.url) && !/^(data|blob):/.test(request.url())) {
        elsewhere.push(request.url());
      }
    });
    await page.goto('/docs');
    await page.getByRole('heading', { name: 'Errors' }).waitFor();
    await page.getByText('idempotency_key_reused').first().waitFor();
    await page.getByRole('menuitem', { name: 'Deliveries' }).click();
    await page.getByText('look into each attempt').waitFor();
    await page.locator('pre', { hasText: 'curl "$PIGEONPOST_URL/v1/deliveries"' }).first().waitFor();
    await page.getByRole('menuitem', { name: 'Bird’s own API' }).waitFor();
    expect(elsewhere).toEqual([]);
  });
});
