/** Signing in with a real OpenID Connect provider of another site, in a real browser. */
import { createOidc } from '../../src/http/oidc.js';
import { startApi, type TestApi } from '../support/api.js';
import { OIDC_CLIENT, startOidcProvider, type OidcProvider } from '../support/oidc.js';
import { describeInBrowser, openDashboard, type DashboardHarness } from './support.js';

describeInBrowser('sign-in with OpenID Connect', () => {
  let dashboard: DashboardHarness;
  let provider: OidcProvider;
  let api: TestApi;
  /** The provider is at 127.0.0.1, which is another site, so that SameSite counts. */
  let url: string;
  beforeAll(async () => {
    [dashboard, provider] = await Promise.all([openDashboard(), startOidcProvider()]);
    const oidc = createOidc({
      ...{ issuer: provider.issuer, ...OIDC_CLIENT, scopes: 'openid email groups', name: 'Acme' },
      access: [{ claim: 'groups', value: 'webhook-admins', scope: 'admin' }],
    });
    const { client, database } = dashboard.system;
    api = await startApi({ store: database.store, client, oidc });
    url = api.url.replace('127.0.0.1', 'localhost');
    await provider.register(`${url}/v1/sessions/oidc/callback`);
  });
  afterEach(() => dashboard.closePages());
  afterAll(async () => {
    await api.close();
    await provider.close();
    await dashboard.close();
  });

  async function signInAs(person: string) {
    const page = await dashboard.open();
    await page.goto(url);
    await page.getByRole('link', { name: 'Sign in with Acme' }).click();
    await page.locator('input[name=login]').fill(person);
    await page.locator('input[name=password]').fill('any');
    await page.locator('button[type=submit]').click();
    await page.getByText('Authorize').waitFor();
    await page.locator('button[type=submit]').click();
    return page;
  }

  test('shows the dashboard, until one signs out', async () => {
    const page = await signInAs('kim');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByRole('link', { name: 'Keys' }).waitFor();
    expect(new URL(page.url()).host).toBe(new URL(url).host);
    const cookies = await page.context().cookies(url);
    expect(cookies).toMatchObject([{ name: 'pigeonpost_session', httpOnly: true, sameSite: 'Strict' }]);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('link', { name: 'Sign in with Acme' }).waitFor();
    expect(await page.context().cookies(url)).toEqual([]);
  });

  test('says who may not', async () => {
    const page = await signInAs('pat');
    await page.getByText('your account there is not allowed to use Pigeonpost').waitFor();
  });
});
